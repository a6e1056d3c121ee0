"""Old checkpoints go by themselves; those of runs that might go on stay."""

import math
import os

import pytest

from spine.orchestration import InvalidSetting, Registry, RunExpired, WorkflowRunner
from tests.acceptance.recorded import wait_for

MOMENT = 1e-6  # days: a tenth of a second


def names(runner, run_id: str) -> list[str]:
    return [checkpoint.step_name for checkpoint in runner.list_checkpoints(run_id)]


@pytest.fixture
def completed(runner, ran) -> str:
    return runner.execute(ran.workflow("a", "b"), run_id="completed").run_id


@pytest.fixture
def failed(runner, ran) -> str:
    ran.broken["b"] = RuntimeError("down")
    run_id = runner.execute(ran.workflow("a", "b"), run_id="failed").run_id
    ran.repair()
    return run_id


def grow_old(runner, *run_ids: str) -> None:
    """Wait until these runs are older than a moment."""
    wait_for(lambda: set(run_ids) <= set(runner.purge(MOMENT, dry_run=True).runs))


def test_nothing_goes_before_its_time(runner, completed, failed):  # S44, S45
    assert runner.purge(7).runs == ()

    assert names(runner, "completed") == ["a", "b"]
    assert names(runner, "failed") == ["a"]


def test_what_is_older_goes_with_all_its_checkpoints(runner, completed):  # S34, S44, S45
    grow_old(runner, "completed")

    purged = runner.purge(MOMENT)

    assert (purged.runs, purged.checkpoints, purged.dry_run) == (("completed",), 2, False)
    assert runner.list_checkpoints("completed") == []
    run = runner.get_run("completed")
    assert (run.status, run.removed_because) == ("completed", "expired")
    assert run.removed_at >= run.finished_at
    assert runner.purge(MOMENT).runs == ()


def test_failed_runs_may_stay_longer_and_be_resumed(runner, ran, completed, failed):  # S45
    grow_old(runner, "completed", "failed")

    assert runner.purge(MOMENT, failed_days=7).runs == ("completed",)

    assert runner.resume("failed").status == "completed"


def test_a_dry_run_tells_and_takes_nothing(runner, completed, failed):  # S45
    grow_old(runner, "completed", "failed")

    told = runner.purge(MOMENT, dry_run=True)

    assert (sorted(told.runs), told.checkpoints, told.dry_run) == (["completed", "failed"], 3, True)
    assert names(runner, "completed") == ["a", "b"]
    assert sorted(runner.purge(MOMENT).runs) == sorted(told.runs)


def test_an_expired_run_says_so_and_never_starts_over(runner, ran, failed):  # S33, S45
    grow_old(runner, "failed")
    runner.purge(MOMENT)
    ran.taken()

    with pytest.raises(RunExpired, match="run 'failed' cannot go on: its checkpoints were removed by retention on 2"):
        runner.resume("failed")
    with pytest.raises(RunExpired):
        runner.execute(ran.workflow("a", "b"), run_id="failed", start_from="a")
    assert ran.steps == []
    assert runner.get_run("failed").context.params == {}


def test_runs_that_have_not_ended_never_go(runner, ran, completed):  # S45
    def purge(ctx):
        grow_old(runner, "completed")
        return {"purged": list(runner.purge(MOMENT).runs)}

    result = runner.execute(ran.workflow("a", ran.step("b", purge)), run_id="running")

    assert result.context.outputs["b"] == {"purged": ["completed"]}
    assert names(runner, "running") == ["a", "b"]


def test_a_run_that_was_resumed_is_young_again(runner, ran, failed):  # S45
    grow_old(runner, "failed")
    ran.broken["b"] = RuntimeError("down")

    runner.resume("failed")

    assert runner.purge(1).runs == ()
    assert names(runner, "failed") == ["a"]


def test_a_cancelled_run_goes_like_a_failed_one(runner, failed):  # S45
    runner.cancel("failed")
    grow_old(runner, "failed")

    assert runner.purge(7, failed_days=MOMENT).runs == ("failed",)


def test_a_purge_may_be_for_some_workflows_only(runner, ran, completed):  # S45
    runner.execute(ran.workflow("a", name="other"), run_id="other")
    grow_old(runner, "completed", "other")

    assert runner.purge(MOMENT, workflows=["other"]).runs == ("other",)
    assert names(runner, "completed") == ["a", "b"]


def test_a_runner_with_days_purges_at_the_end_of_a_run_what_it_knows(database_url, registry, ran):  # S34, S44
    workflow, unknown = ran.workflow("a"), ran.workflow("a", name="unknown")
    with WorkflowRunner(database_url, registry=Registry()) as runner:
        runner.execute(workflow, run_id="old")
        runner.execute(unknown, run_id="unknown")
        grow_old(runner, "old", "unknown")

    with WorkflowRunner(database_url, registry=registry, checkpoint_retention_days=MOMENT) as keeping:
        keeping.execute(workflow, run_id="new")

        assert keeping.get_run("old").removed_because == "expired"
        purged = keeping.list_events("old")[-1]
        assert (purged.kind, purged.reason) == ("checkpoints.purged", "upkeep")
        assert purged.actor.endswith(f"/{os.getpid()}")
        assert names(keeping, "unknown") == ["a"]
        assert "unknown" in keeping.purge(dry_run=True).runs


def test_a_runner_without_days_keeps_everything_and_says_so(runner, completed):  # S44
    grow_old(runner, "completed")

    with pytest.raises(InvalidSetting, match=r"purge\(days=7\), or set checkpoint_retention_days"):
        runner.purge()
    assert names(runner, "completed") == ["a", "b"]


@pytest.mark.parametrize("days", [0, -1, math.nan, math.inf, True, "7", 36_501])
def test_days_are_above_nought(days):  # S44
    with pytest.raises(InvalidSetting):
        WorkflowRunner("memory://", checkpoint_retention_days=days)
    with WorkflowRunner("memory://") as runner, pytest.raises(InvalidSetting):
        runner.purge(days)


def test_a_row_a_run_with_its_status_and_times(runner, completed, failed):  # S45, S46
    listed = {run.run_id: run for run in runner.list_runs()}

    assert {run_id: run.status for run_id, run in listed.items()} == {"completed": "completed", "failed": "failed"}
    for run in listed.values():
        assert run.created_at <= run.started_at <= run.finished_at <= run.updated_at
        assert run.created_at.utcoffset().total_seconds() == 0
