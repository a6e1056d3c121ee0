"""SIGTERM and SIGINT: the step stops at once, Spine's own writes never; then the process ends, and the run goes on.

SIGHUP ends the process without a word.
"""

import signal

import pytest

TERM, INT = signal.SIGTERM, signal.SIGINT
# Python ends itself by the signal when a KeyboardInterrupt is not caught; a shell says 130 then.
EXIT = {TERM: 143, INT: -INT}


@pytest.mark.parametrize("signum", [TERM, INT])
def test_a_signal_in_a_step_fails_the_run_as_interrupted_and_it_can_go_on_at_once(scene, signum):  # INV-31
    with scene.paused("execute", "inside c", lease_seconds=600) as process:
        process.send(signum)
        assert process.ends() == EXIT[signum]

    with scene.runner() as runner:
        run = runner.get_run(scene.run_id)
        assert (run.status, run.error_step, run.error_type) == ("failed", "c", "Interrupted")
        assert run.error == f"interrupted by {signal.Signals(signum).name}"
        assert (run.error_category, run.lease) == ("interrupted", None)
        assert runner.resume(scene.run_id).completed_steps == ["c", "d"]
        scene.check(runner)
    assert scene.ran() == "abccd"


@pytest.mark.parametrize("signum", [TERM, INT])
def test_a_signal_in_a_write_waits_for_it_and_no_further_step_starts(scene, signum):  # INV-31
    with scene.paused("execute", "before saving b", lease_seconds=600) as process:
        process.send(signum)
        process.go_on()
        assert process.ends() == EXIT[signum]

    assert scene.ran() == "ab"
    with scene.runner() as runner:
        run = runner.get_run(scene.run_id)
        assert (run.status, run.error_step, run.error_type) == ("failed", "c", "Interrupted")
        assert [each.step_name for each in runner.list_checkpoints(scene.run_id)] == ["a", "b"]
        assert runner.resume(scene.run_id).completed_steps == ["c", "d"]
        scene.check(runner)


def test_a_signal_in_the_last_write_leaves_a_completed_run(scene):  # INV-5, INV-31
    with scene.paused("execute", "before saving d") as process:
        process.send(TERM)
        process.go_on()
        assert process.ends() == EXIT[TERM]

    with scene.runner() as runner:
        scene.check(runner)


@pytest.mark.parametrize("place", ["inside b", "before saving b"])
def test_a_second_signal_ends_the_process_there_and_then(scene, place):  # INV-31
    with scene.paused("execute", place, stubborn=True) as process:
        process.send(TERM)
        if place == "inside b":
            assert process.says() == "Interrupted"
        assert process.send_until_it_ends(TERM) == -TERM

    with scene.runner() as runner:
        scene.crashed(runner)
        runner.resume(scene.run_id)
        scene.check(runner)


def test_a_lost_terminal_leaves_a_crashed_run_that_is_recovered(scene):
    with scene.paused("execute", "inside c") as process:
        process.send(signal.SIGHUP)
        assert process.ends() == -signal.SIGHUP

    with scene.runner() as runner:
        scene.crashed(runner)
        [recovered] = runner.recover()
        assert recovered.result.completed_steps == ["c", "d"]
        scene.check(runner)
