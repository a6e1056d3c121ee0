"""A process frozen between two steps, and taken over meanwhile, does not start the next one."""

import json
import signal
from pathlib import Path

import pytest

from tests.acceptance.crashing import Scene


@pytest.mark.parametrize("place", ["run.started", "checkpoint.saved b", "step.started c"])
def test_a_process_that_was_frozen_between_two_steps_starts_none(database_url: str, tmp_path: Path, place: str):
    scene = Scene(database_url, tmp_path)
    with scene.process("execute", place) as zombie, scene.runner() as runner:
        assert zombie.says() == place
        zombie.send(signal.SIGSTOP)
        scene.crashed(runner)
        assert runner.resume(scene.run_id).status == "completed"

        zombie.send(signal.SIGCONT)
        zombie.go_on()
        assert json.loads(zombie.says()) == {"error": "LeaseLost"}
        scene.check(runner)

    assert scene.ran() == "abcd"


def test_a_process_that_was_frozen_between_two_steps_and_not_replaced_goes_on(database_url: str, tmp_path: Path):
    scene = Scene(database_url, tmp_path)
    with scene.process("execute", "checkpoint.saved b") as sleeper, scene.runner() as runner:
        assert sleeper.says() == "checkpoint.saved b"
        sleeper.send(signal.SIGSTOP)
        scene.crashed(runner)

        sleeper.send(signal.SIGCONT)
        sleeper.go_on()
        assert json.loads(sleeper.says())["status"] == "completed"
        scene.check(runner)

    assert scene.ran() == "abcd"
