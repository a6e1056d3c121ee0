"""One owner at a time: a lease that is alive is respected, and one that was taken over writes nothing more."""

from datetime import timedelta

import pytest

from spine.orchestration import RunIsHeld
from tests.acceptance.recorded import wait_for

LEASE = 1.5  # seconds: long enough to be renewed in time on a busy machine


@pytest.mark.parametrize("told", [{}, {"breaks": "b"}])
def test_a_process_that_was_frozen_past_its_lease_writes_and_starts_nothing_more(scene, told):  # INV-22, INV-23
    with scene.frozen("inside b", **told) as zombie, scene.runner() as runner:
        scene.crashed(runner)

        result = runner.resume(scene.run_id)
        assert result.completed_steps == ["b", "c", "d"]
        before = runner.get_run(scene.run_id), runner.list_checkpoints(scene.run_id)

        zombie.thaw()
        assert zombie.result() == {"error": "LeaseLost"}
        assert zombie.ends() == 3
        assert (runner.get_run(scene.run_id), runner.list_checkpoints(scene.run_id)) == before
        assert scene.ran() == "abbcd"
        scene.check(runner)


def test_a_frozen_process_cannot_write_while_another_one_drives(scene):  # INV-22, INV-23
    with scene.frozen("before saving b") as zombie, scene.paused("resume", "inside c") as other:
        zombie.thaw()
        assert zombie.result() == {"error": "LeaseLost"}
        other.go_on()
        assert other.result() == {"status": "completed", "completed": ["b", "c", "d"]}

    assert scene.ran() == "abbcd"
    with scene.runner() as runner:
        scene.check(runner)


@pytest.mark.parametrize("place", ["run.started", "checkpoint.saved b", "step.started c"])
def test_a_process_that_was_frozen_between_two_steps_and_taken_over_starts_none(scene, place):  # INV-23
    with scene.frozen(place) as zombie, scene.runner() as runner:
        scene.crashed(runner)
        assert runner.resume(scene.run_id).status == "completed"

        zombie.thaw()
        assert zombie.result() == {"error": "LeaseLost"}
        scene.check(runner)
    assert scene.ran() == "abcd"


@pytest.mark.parametrize("place", ["inside b", "checkpoint.saved b"])
def test_a_frozen_process_that_nobody_replaced_goes_on(scene, place):  # DESIGN: an expired lease is still its driver's
    with scene.frozen(place) as sleeper, scene.runner() as runner:
        scene.crashed(runner)

        sleeper.thaw()
        assert sleeper.result()["status"] == "completed"
        scene.check(runner)
    assert scene.ran() == "abcd"


def test_a_step_may_block_longer_than_the_lease(scene):  # INV-20, INV-26
    with scene.paused("execute", "inside b", lease_seconds=LEASE) as process, scene.runner() as runner:
        first = runner.get_run(scene.run_id).lease
        lease = wait_for(lambda: later(runner.get_run(scene.run_id).lease, first))

        assert (lease.holder, lease.fence) == (first.holder, first.fence)
        with pytest.raises(RunIsHeld, match=r"/\d+ since 20.* UTC; its lease runs until 20") as held:
            runner.resume(scene.run_id)
        assert held.value.holder == first.holder
        with pytest.raises(RunIsHeld):
            runner.execute(scene.workflow(), run_id=scene.run_id, start_from="a")
        with pytest.raises(RunIsHeld):
            runner.delete_checkpoints(scene.run_id)

        process.go_on()
        assert process.result()["status"] == "completed"
        scene.check(runner)
    assert scene.ran() == "abcd"


def later(lease, first):
    """Give the lease once the first one would have expired."""
    return lease if lease.expires_at > first.expires_at + timedelta(seconds=LEASE) else None


def test_a_run_cancelled_from_another_process_stops_before_its_next_step(scene):  # INV-22, INV-23
    with scene.paused("execute", "inside b") as process, scene.runner() as runner:
        assert runner.cancel(scene.run_id).status == "cancelled"

        process.go_on()
        assert process.result() == {"status": "cancelled", "completed": ["a"]}
        assert scene.ran() == "ab"
        assert [each.step_name for each in runner.list_checkpoints(scene.run_id)] == ["a"]
        assert runner.resume(scene.run_id).completed_steps == ["b", "c", "d"]
        scene.check(runner)
