"""A drive that the database let down: the same runner goes on at once, any other waits for the lease to run out."""

import sqlite3
from contextlib import closing

import pytest

from spine.errors import RunIsHeld, StoreBusy
from spine.orchestration.registry import Registry
from spine.orchestration.runner import WorkflowRunner
from spine.orchestration.workflow import Workflow
from spine.steps.step import Step
from spine.stores.sql import timeouts


class Story:
    """A run whose database somebody else locks while its only step runs, and two runners that can drive it.

    When the step runs again it gives what `resumed` gives.
    """

    def __init__(self, other, runner, neighbour):
        self.other, self.runner, self.neighbour = other, runner, neighbour
        self.resumed = dict

    def lock(self, ctx, config):
        if ctx.is_resumed:
            return self.resumed()
        self.other.execute("BEGIN IMMEDIATE")
        return {}

    def give_up(self):
        with pytest.raises(StoreBusy):
            self.runner.execute(Workflow("w", [Step.lambda_("lock", self.lock)]), run_id="r")


@pytest.fixture
def story(tmp_path, monkeypatch):
    monkeypatch.setattr(timeouts, "BUSY_SECONDS", 0.05)
    path, registry = tmp_path / "spine.db", Registry()
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as other,
        WorkflowRunner(f"sqlite:///{path}", registry=registry) as runner,
        WorkflowRunner(f"sqlite:///{path}", registry=registry) as neighbour,
    ):
        yield Story(other, runner, neighbour)


def test_the_runner_that_gave_a_drive_up_takes_its_own_lease_back_at_once(story):
    story.give_up()
    story.other.execute("ROLLBACK")
    with pytest.raises(RunIsHeld):
        story.neighbour.resume("r")

    assert story.runner.resume("r").status == "completed"
    assert story.runner.get_run("r").fence == 2


def test_a_lease_that_somebody_else_took_meanwhile_is_left_alone(story):
    def resumed():
        with pytest.raises(RunIsHeld):
            story.runner.resume("r")
        return {"held": True}

    story.give_up()
    story.other.execute("UPDATE core_workflow_runs SET expires_at = '2020-01-01 00:00:00.000000+00:00'")
    story.other.execute("COMMIT")
    story.resumed = resumed

    assert story.neighbour.resume("r").context.outputs["lock"] == {"held": True}
