"""A database that went back while a run was driven: a backup was restored, or a standby lacked the newest writes."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from spine.orchestration import LeaseLost, RunNotFound, RunStatus, StoreUnavailable, StoreWentBack, WorkflowRunner
from spine.stores.sql.writer import SqlRunWriter
from tests.acceptance.recorded import Ran
from tests.contract.rows import Rows

A_MOMENT_LATER = "2126-01-01 00:00:00.000000+00:00"


@pytest.fixture
def rows(database_url: str) -> Iterator[Rows]:
    with closing(Rows(database_url)) as rows:
        yield rows


@pytest.fixture
def runner(database_url: str) -> Iterator[WorkflowRunner]:
    with WorkflowRunner(database_url) as runner:
        yield runner


def doing(act: Callable[[], object]) -> Callable[[object], dict[str, object]]:
    def give(_ctx: object) -> dict[str, object]:
        act()
        return {}

    return give


def test_no_step_is_started_beside_a_driver_that_got_the_same_fence(runner, ran: Ran, rows):
    def forget():
        rows.ask("UPDATE core_workflow_runs SET holder = 'bob@there/2', acquired_at = ?", A_MOMENT_LATER)

    steps = [ran.step("a", doing(forget), checkpoint=False), ran.step("b", checkpoint=False), "c"]

    with pytest.raises(LeaseLost, match="it was taken over"):
        runner.execute(ran.workflow(*steps))

    assert ran.steps == ["a"]


@pytest.mark.parametrize("checkpoint", [True, False])
def test_a_run_that_is_gone_is_told_and_may_be_started_again(runner, ran: Ran, rows, checkpoint):
    def forget():
        for table in ("checkpoints", "definitions", "events", "runs"):
            rows.ask(f"DELETE FROM core_workflow_{table}")

    with pytest.raises(RunNotFound, match="'r1' is gone while it was driven.* Start it again"):
        runner.execute(ran.workflow("a", ran.step("b", doing(forget), checkpoint=checkpoint), "c"), run_id="r1")

    assert ran.steps == ["a", "b"]
    assert runner.execute(ran.workflow("a", "b", "c"), run_id="r1").status is RunStatus.COMPLETED


def test_a_taking_that_the_database_forgot_is_told_and_may_be_resumed(runner, ran: Ran, rows):
    def forget():
        rows.ask("UPDATE core_workflow_runs SET fence = 1, holder = NULL, acquired_at = NULL, expires_at = NULL")
        rows.ask("UPDATE core_workflow_runs SET status = 'failed', error_step = 'b', current_step = 'b'")

    ran.broken["b"] = ValueError("not yet")
    failed = runner.execute(ran.workflow("a", "b", "c"))
    ran.repair()

    with pytest.raises(StoreWentBack, match="is as it was before this process took it"):
        runner.execute(ran.workflow("a", ran.step("b", doing(forget)), "c"), run_id=failed.run_id, start_from="b")
    before = ran.taken()
    resumed = runner.execute(ran.workflow("a", "b", "c"), run_id=failed.run_id, start_from="b")

    assert resumed.status is RunStatus.COMPLETED
    assert (before, ran.steps) == (["a", "b", "b"], ["b", "c"])


def test_a_step_that_fails_over_a_gap_keeps_its_own_error(runner, ran: Ran, rows):
    def go_back():
        rows.ask("DELETE FROM core_workflow_checkpoints WHERE step_name = 'b'")
        rows.ask("UPDATE core_workflow_runs SET current_step = 'b'")
        raise ValueError("no such day")

    workflow = ran.workflow("a", "b", ran.step("c", doing(go_back)))

    failed = runner.execute(workflow)

    assert (failed.status, failed.error_step, failed.error_type) == (RunStatus.FAILED, "c", "ValueError")
    assert runner.get_summary(failed.run_id).error == "no such day"


@pytest.mark.parametrize("raised", [MemoryError("no room"), StoreUnavailable("gone for a moment")])
def test_a_write_that_fails_at_first_is_told_where_the_second_succeeds(runner, ran: Ran, monkeypatch, raised):
    save = SqlRunWriter.save_checkpoint

    def save_but_b(self, new, ending=None):
        if new.step_name == "b":
            raise raised
        return save(self, new, ending)

    monkeypatch.setattr(SqlRunWriter, "save_checkpoint", save_but_b)

    failed = runner.execute(ran.workflow("a", "b", "c"))

    assert (failed.status, failed.error_step, failed.error_type) == (RunStatus.FAILED, "b", type(raised).__name__)
    assert runner.get_summary(failed.run_id).status == RunStatus.FAILED


def test_how_a_step_failed_is_told_where_its_failure_could_not_be_written(runner, ran: Ran, monkeypatch):
    def away(_self, _ending):
        raise StoreUnavailable("gone for good")

    monkeypatch.setattr(SqlRunWriter, "end_run", away)
    ran.broken["b"] = ValueError("no such day")

    with pytest.raises(StoreUnavailable, match="gone for good") as caught:
        runner.execute(ran.workflow("a", "b", "c"))

    (note,) = caught.value.__notes__
    assert note.startswith("step 'b' had failed: ValueError: no such day\n")
    assert "recorded.py" in note


def test_how_a_step_failed_is_told_to_a_driver_that_lost_its_lease(runner, ran: Ran, rows):
    def fail_without_a_lease():
        rows.ask("UPDATE core_workflow_runs SET fence = fence + 1")
        raise ValueError("no such day")

    with pytest.raises(LeaseLost) as caught:
        runner.execute(ran.workflow("a", ran.step("b", doing(fail_without_a_lease))))

    (note,) = caught.value.__notes__
    assert note.startswith("step 'b' had failed: ValueError: no such day\n")
