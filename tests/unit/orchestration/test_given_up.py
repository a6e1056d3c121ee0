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


@pytest.fixture
def url(tmp_path, monkeypatch):
    monkeypatch.setattr(timeouts, "BUSY_SECONDS", 0.05)
    return f"sqlite:///{tmp_path}/spine.db"


def test_the_runner_that_gave_a_drive_up_takes_its_own_lease_back_at_once(url):
    registry = Registry()
    with (
        closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as other,
        WorkflowRunner(url, registry=registry) as runner,
        WorkflowRunner(url, registry=registry) as neighbour,
    ):

        def lock(ctx, config):
            if not ctx.is_resumed:
                other.execute("BEGIN IMMEDIATE")
            return {}

        with pytest.raises(StoreBusy):
            runner.execute(Workflow("w", [Step.lambda_("lock", lock)]), run_id="r")
        other.execute("ROLLBACK")
        with pytest.raises(RunIsHeld):
            neighbour.resume("r")

        assert runner.resume("r").status == "completed"
        assert runner.get_run("r").fence == 2


def test_a_lease_that_somebody_else_took_meanwhile_is_left_alone(url):
    registry = Registry()
    with (
        closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as other,
        WorkflowRunner(url, registry=registry) as runner,
        WorkflowRunner(url, registry=registry) as neighbour,
    ):

        def lock(ctx, config):
            if not ctx.is_resumed:
                other.execute("BEGIN IMMEDIATE")
                return {}
            with pytest.raises(RunIsHeld):
                runner.resume("r")
            return {"held": True}

        with pytest.raises(StoreBusy):
            runner.execute(Workflow("w", [Step.lambda_("lock", lock)]), run_id="r")
        other.execute("UPDATE core_workflow_runs SET expires_at = '2020-01-01 00:00:00.000000+00:00'")
        other.execute("COMMIT")

        assert neighbour.resume("r").context.outputs["lock"] == {"held": True}
