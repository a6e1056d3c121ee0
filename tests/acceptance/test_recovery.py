"""Crashed runs are found and resumed, by several machines at once too."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from spine.orchestration import (
    NotCrashed,
    Registry,
    RunStatus,
    SnapshotCorrupt,
    Step,
    StoreUnavailable,
    Workflow,
    WorkflowContext,
    WorkflowNotFound,
    WorkflowRunner,
)
from spine.records.checkpoint import Checkpoint
from spine.records.run import ClaimableRun, RunList
from spine.stores.memory import MemoryStore
from spine.stores.protocol import RunFilter
from spine.stores.sql.store import SqlStore
from spine.testing.contract.drive import STEPS, create, new_run
from tests.programs.forked import run_forked

DRIVER = """
import os, signal, sys
from spine.orchestration import Step, Workflow, WorkflowRunner

def die(ctx, config):
    os.kill(os.getpid(), signal.SIGKILL)

url, run_id = sys.argv[1:]
workflow = Workflow("fragile", [Step.lambda_("one", lambda ctx, config: {"n": 1}), Step.lambda_("two", die)])
WorkflowRunner(url, lease_seconds=0.5).execute(workflow, run_id=run_id)
"""


def crash(url: str, folder: Path, run_id: str) -> None:
    """Leave a run whose driver was killed in its second step."""
    script = folder / "driver.py"
    script.write_text(DRIVER)
    run_forked(str(script), url, run_id)


def wait_until_crashed(runner: WorkflowRunner, *run_ids: str) -> None:
    while not set(run_ids) <= {run.run_id for run in runner.list_runs(status="crashed")}:
        pass


def workflow(ran: list[str], name: str = "fragile") -> Workflow:
    def step(name: str) -> Step:
        def perform(ctx: Any, config: dict[str, Any]) -> dict[str, Any]:
            ran.append(f"{ctx.run_id} {name}")
            return {"n": 2}

        return Step.lambda_(name, perform)

    return Workflow(name, [step("one"), step("two")])


def test_a_damaged_run_keeps_no_other_from_being_recovered(sqlite_url: str):
    ran: list[str] = []
    with WorkflowRunner(sqlite_url, lease_seconds=0.5) as runner:
        for run_id in ("bad", "good"):
            runner.execute(workflow(ran), run_id=run_id)
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as database:
            database.execute("UPDATE core_workflow_runs SET status = 'running'")
            database.execute("UPDATE core_workflow_definitions SET definition = '{' WHERE run_id = 'bad'")
            database.execute("DELETE FROM core_workflow_checkpoints WHERE step_name = 'two'")

        bad, good = runner.recover()

    assert (good.run_id, good.result and good.result.status) == ("good", RunStatus.COMPLETED)
    assert (bad.run_id, bad.workflow_name, type(bad.error)) == ("bad", "fragile", SnapshotCorrupt)


def test_recover_resumes_every_crashed_run_after_its_last_finished_step(database_url: str, tmp_path: Path):
    ran: list[str] = []
    crash(database_url, tmp_path, "night-1")
    crash(database_url, tmp_path, "night-2")

    with WorkflowRunner(database_url) as runner:
        runner.register(workflow(ran))
        wait_until_crashed(runner, "night-1", "night-2")
        recovered = runner.recover(workflow="fragile")
        again = runner.recover()
        kinds = [event.kind for event in runner.list_events("night-1")]

    assert [each.run_id for each in recovered] == ["night-1", "night-2"]
    assert [each.result.status for each in recovered if each.result] == [RunStatus.COMPLETED] * 2
    assert ran == ["night-1 two", "night-2 two"]
    assert again == []
    assert kinds == ["run.created", "run.started", "run.taken_over", "run.completed"]


def test_two_that_recover_at_once_drive_a_crashed_run_once(database_url: str, tmp_path: Path):
    ran: list[str] = []
    crash(database_url, tmp_path, "night-1")
    barrier, errors = threading.Barrier(2), []

    def recover() -> None:
        with WorkflowRunner(database_url) as runner:
            barrier.wait(timeout=30)
            errors.extend(each.error for each in runner.recover() if each.error)

    with WorkflowRunner(database_url) as runner:
        runner.register(workflow(ran))
        wait_until_crashed(runner, "night-1")
        threads = [threading.Thread(target=recover) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        status = runner.get_run("night-1").status

    assert status is RunStatus.COMPLETED
    assert ran == ["night-1 two"]
    assert len(errors) <= 1


def test_a_crashed_run_of_an_unknown_workflow_is_told_and_the_others_go_on(sqlite_url: str, tmp_path: Path):
    crash(sqlite_url, tmp_path, "night-1")

    with WorkflowRunner(sqlite_url, registry=Registry()) as stranger:
        wait_until_crashed(stranger, "night-1")
        (told,) = stranger.recover()

    assert isinstance(told.error, WorkflowNotFound)


def crash_at_once(url: str, runner: WorkflowRunner, flow: Workflow, *run_ids: str) -> None:
    """Leave runs that have done their first step, and whose driver is gone."""
    for run_id in run_ids:
        runner.execute(flow, run_id=run_id)
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as database:
        database.execute("DELETE FROM core_workflow_checkpoints WHERE step_name = 'two'")
        database.execute("UPDATE core_workflow_runs SET status = 'running'")


def test_what_is_cancelled_or_recovered_elsewhere_while_others_are_recovered_is_left_alone(sqlite_url: str):
    acts: list[Callable[[], Any]] = []

    def two(ctx: Any, config: dict[str, Any]) -> dict[str, Any]:
        now, acts[:] = [*acts], []
        for act in now:
            act()
        return {}

    flow = Workflow("fragile", [Step.lambda_("one", lambda ctx, config: {"n": 1}), Step.lambda_("two", two)])
    with WorkflowRunner(sqlite_url) as runner, WorkflowRunner(sqlite_url) as other:
        crash_at_once(sqlite_url, runner, flow, "night-1", "night-2", "night-3")
        acts += [lambda: other.cancel("night-2"), lambda: other.resume("night-3")]
        first, *later = runner.recover()
        kinds = [event.kind for event in runner.list_events("night-2")]

    assert first.result
    assert first.result.status is RunStatus.COMPLETED
    assert [type(each.error) for each in later] == [NotCrashed, NotCrashed]
    assert [str(each.error).partition(":")[0] for each in later] == [
        "run 'night-2' is cancelled by now",
        "run 'night-3' has completed by now",
    ]
    assert kinds[-1] == "run.cancelled"


@pytest.mark.parametrize(
    ("limit", "recovered"), [(1000, ["night-1 two", "night-2 two", "poison two"]), (1, ["night-1 two"])]
)
def test_what_was_taken_least_often_is_recovered_first_so_that_no_run_that_kills_its_driver_starves_others(
    sqlite_url: str, limit: int, recovered: list[str]
):
    ran: list[str] = []
    with WorkflowRunner(sqlite_url) as runner:
        crash_at_once(sqlite_url, runner, workflow(ran), "night-1", "poison", "night-2")
        ran.clear()
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as database:
            database.execute("UPDATE core_workflow_runs SET fence = 7 WHERE run_id = 'poison'")
        runner.recover(limit=limit)

    assert ran == recovered


def test_what_cannot_go_on_does_not_count_towards_the_limit_and_keeps_nobody_waiting(sqlite_url: str):
    ran: list[str] = []
    with WorkflowRunner(sqlite_url, registry=Registry()) as runner:
        crash_at_once(sqlite_url, runner, workflow(ran, "unknown"), *(f"old-{number}" for number in range(120)))
        crash_at_once(sqlite_url, runner, workflow(ran), "bad", "night-1", "night-2")
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as database:
            database.execute("UPDATE core_workflow_definitions SET definition = '{' WHERE run_id = 'bad'")
    ran.clear()

    with WorkflowRunner(sqlite_url, registry=Registry()) as runner:
        runner.register(workflow(ran))
        recovered = runner.recover(limit=1)

    assert ran == ["night-1 two"]
    assert len(recovered) == len({each.run_id for each in recovered}) == 122


def test_what_was_recovered_is_told_also_where_the_database_is_lost_before_the_next_are_asked_for(monkeypatch):
    ran: list[str] = []
    pages = [[f"old-{number}" for number in range(2)]]

    class Lost(MemoryStore):
        def list_runs(self, wanted: RunFilter) -> RunList:
            if not pages:
                raise StoreUnavailable("gone")
            return RunList(self.get_run_summary(run_id) for run_id in pages.pop())

    monkeypatch.setattr("spine.orchestration.recovery._PAGE", 2)
    store = Lost()
    runner = WorkflowRunner(store=store, registry=Registry())
    runner.register(workflow(ran))
    for run_id in pages[0]:
        create(store, new_run(run_id, workflow="fragile", lease_seconds=0.0))

    assert [each.run_id for each in runner.recover()] == ["old-0", "old-1"]


def test_nobody_asks_a_database_that_is_away_once_for_every_run():
    asked: list[str] = []

    class Away(MemoryStore):
        def get_claimable(self, run_id: str) -> ClaimableRun:
            asked.append(run_id)
            raise StoreUnavailable("gone")

        def list_runs(self, wanted: RunFilter) -> RunList:
            if asked:
                raise StoreUnavailable("gone")
            return super().list_runs(wanted)

    (recovered,) = recovering_three(Away()).recover()

    assert asked == [recovered.run_id]
    assert isinstance(recovered.error, StoreUnavailable)


def test_a_run_that_the_database_alone_cannot_read_keeps_no_other_from_being_recovered():
    class Torn(MemoryStore):
        def get_claimable(self, run_id: str) -> ClaimableRun:
            if run_id == "old-0":
                raise StoreUnavailable("a page is damaged")
            return super().get_claimable(run_id)

    torn, *others = recovering_three(Torn()).recover(limit=2)

    assert isinstance(torn.error, StoreUnavailable)
    assert [other.result.status for other in others if other.result] == [RunStatus.COMPLETED] * 2


def recovering_three(store: MemoryStore) -> WorkflowRunner:
    """Leave three crashed runs to whoever recovers."""
    steps = [Step.lambda_(name, lambda ctx, config: {}) for name in STEPS]
    runner = WorkflowRunner(store=store, registry=Registry())
    runner.register(Workflow("fragile", steps))
    for run_id in ("old-0", "old-1", "old-2"):
        create(store, new_run(run_id, workflow="fragile", lease_seconds=0.0))
    return runner


def test_a_run_whose_limit_was_lowered_fails_alone(sqlite_url: str):
    ran: list[str] = []
    flow = workflow(ran)
    with WorkflowRunner(sqlite_url) as generous:
        context = WorkflowContext(run_id="large", workflow_name="fragile", params={"text": "x" * 5000})
        generous.execute(flow, context=context)
        generous.execute(flow, run_id="small")
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as database:
        database.execute("DELETE FROM core_workflow_checkpoints")
        database.execute("UPDATE core_workflow_runs SET status = 'running'")

    with WorkflowRunner(sqlite_url, max_snapshot_bytes=2048) as narrow:
        large, small = narrow.recover()

    assert large.result
    assert (large.run_id, large.result.status, large.result.error_type) == ("large", RunStatus.FAILED, "NotStorable")
    assert small.result
    assert small.result.status is RunStatus.COMPLETED


def test_a_run_that_there_is_no_memory_to_read_keeps_no_other_from_being_recovered(sqlite_url: str, monkeypatch):
    ran: list[str] = []
    flow = workflow(ran)
    get_checkpoint = SqlStore.get_checkpoint

    def get_but_large(store: SqlStore, run_id: str, step: str | None = None) -> Checkpoint:
        if run_id == "large":
            raise MemoryError("no room")
        return get_checkpoint(store, run_id, step)

    with WorkflowRunner(sqlite_url) as runner:
        for run_id in ("large", "small"):
            runner.execute(flow, run_id=run_id)
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as database:
            database.execute("UPDATE core_workflow_runs SET status = 'running'")
            database.execute("DELETE FROM core_workflow_checkpoints WHERE step_name = 'two'")
        monkeypatch.setattr(SqlStore, "get_checkpoint", get_but_large)

        large, small = runner.recover()

    assert (large.run_id, type(large.error)) == ("large", MemoryError)
    assert small.result
    assert small.result.status is RunStatus.COMPLETED


def test_a_run_that_is_driven_is_not_recovered(sqlite_url: str):
    def recover_inside(ctx: Any, config: dict[str, Any]) -> dict[str, Any]:
        with WorkflowRunner(sqlite_url) as other:
            return {"recovered": len(other.recover())}

    with WorkflowRunner(sqlite_url) as runner:
        result = runner.execute(Workflow("busy", [Step.lambda_("one", recover_inside)]))

    assert result.context.outputs["one"] == {"recovered": 0}
