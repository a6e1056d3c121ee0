"""A process is killed at any moment; a new one goes on, and nothing that was done is done again."""

import pytest

from spine.orchestration import RunNotFound

# Where the first process is killed, which steps it had started, and which the second one starts.
PLACES = {
    "run.started": ("", "abcd"),
    "inside c": ("abc", "cd"),
    "before saving c": ("abc", "cd"),
    "checkpoint.saved c": ("abc", "d"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_killed_run_goes_on_in_a_new_process_and_ends_as_if_nothing_had_been(scene, place):  # S2, S3; INV-1 to 6
    before, after = PLACES[place]

    scene.killed("execute", place)
    assert scene.ran() == before
    told = scene.resumed()

    assert told == {"status": "completed", "completed": [*after]}
    assert scene.ran() == before + after
    assert len(scene.twice()) <= 1
    with scene.runner() as runner:
        scene.check(runner)


def test_killed_again_and_again_it_still_ends_as_if_nothing_had_been(scene):  # S3; INV-3, INV-4
    scene.killed("execute", "inside a")
    scene.killed("resume", "before saving a")
    scene.killed("resume", "step.started b")
    scene.killed("resume", "before saving c")
    scene.killed("resume", "checkpoint.saved c")
    scene.killed("resume", "inside d")

    assert scene.resumed()["status"] == "completed"

    assert scene.ran() == "a" + "a" + "a" + "bc" + "c" + "d" + "d"
    with scene.runner() as runner:
        scene.check(runner)


@pytest.mark.parametrize("place", ["after saving d", "run.completed"])
def test_killed_after_its_last_checkpoint_it_has_completed(scene, place):  # S3; INV-5
    scene.killed("execute", place)

    with scene.runner() as runner:
        scene.check(runner)
        assert runner.get_run(scene.run_id).lease is None
    assert scene.ran() == "abcd"


def test_killed_before_its_run_was_written_there_is_no_trace(scene):  # S3; INV-6
    scene.killed("execute", "before creating")

    with scene.runner() as runner:
        with pytest.raises(RunNotFound):
            runner.get_run(scene.run_id)
        runner.execute(scene.workflow(), {"n": 1}, run_id=scene.run_id)
        scene.check(runner)


def test_a_killed_run_is_seen_to_have_crashed_once_its_lease_has_expired(scene):  # S3, S46
    scene.killed("execute", "inside b")

    with scene.runner() as runner:
        scene.crashed(runner)
        run = runner.get_run(scene.run_id)

        assert (run.status, run.state, run.current_step, run.lease) == ("running", "crashed", "b", None)
        assert run.params == {"n": 1}
        assert [each.run_id for each in runner.list_runs(status="crashed")] == [scene.run_id]


@pytest.mark.parametrize(
    ("told", "runs", "skipped", "n"),
    [
        ({"start_from": "d", "params": {"n": 5}}, "d", ["c"], 5),
        ({"start_from": "b"}, "bcd", [], 1),
        ({"start_from": "d", "context": {"n": 7}}, "d", ["c"], 7),
    ],
)
def test_what_a_claim_was_told_survives_a_crash_right_after_it(scene, told, runs, skipped, n):  # S35, S39
    with scene.runner() as runner:
        runner.execute(scene.workflow(breaks="c"), {"n": 1}, run_id=scene.run_id)
    at = told["start_from"]
    scene.killed("continue", f"inside {at}", **told)
    scene.log.unlink()

    with scene.runner() as runner:
        scene.crashed(runner)
        result = runner.resume(scene.run_id)

        assert scene.ran() == runs
        assert (result.status, result.skipped_steps) == ("completed", skipped)
        assert result.context.params == {"n": n}
        assert [each.step_name for each in runner.list_checkpoints(scene.run_id)] == [
            name for name in "abcd" if name not in skipped
        ]
