"""Retention in a database: windows by its own clock, orphans, and runs that no purge may touch."""

import pytest

from spine.stores.protocol import PurgedBatch, PurgeOrder
from spine.testing.contract.drive import COMPLETED, FAILED, STEPS, at_once, crash, create, everything, new_run, run_to

NINETY_DAYS = PurgeOrder(days=90, failed_days=90)


def orphan(rows, run_id):
    rows.ask("DELETE FROM core_workflow_runs WHERE run_id = ?", run_id)


def checkpoints_of(rows, run_id):
    return rows.one("SELECT count(*) FROM core_workflow_checkpoints WHERE run_id = ?", run_id)


def test_a_window_is_judged_by_the_databases_clock(sql_store, rows):
    for run_id, days in (("younger", 89.9), ("older", 90.1)):
        run_to(sql_store, COMPLETED, run_id)
        rows.age(run_id, days=days)

    assert sql_store.purge_runs(NINETY_DAYS).runs == ("older",)


def test_all_checkpoints_stay_while_the_run_is_young(sql_store, rows):
    run_to(sql_store, COMPLETED)
    rows.ask("UPDATE core_workflow_checkpoints SET created_at = '2001-01-01 00:00:00+00:00'")
    rows.ask("UPDATE core_workflow_checkpoints SET updated_at = '2001-01-01 00:00:00+00:00'")

    batch = sql_store.purge_runs(NINETY_DAYS)

    assert (batch.runs, batch.checkpoints) == ((), 0)
    assert checkpoints_of(rows, "run-1") == 3


def test_all_checkpoints_go_with_an_old_run_however_young_they_are(sql_store, rows):
    run_to(sql_store, COMPLETED)
    rows.age("run-1", days=91)
    rows.ask("UPDATE core_workflow_checkpoints SET updated_at = '2999-01-01 00:00:00+00:00'")

    assert sql_store.purge_runs(NINETY_DAYS).checkpoints == 3


def test_a_failed_run_stays_its_own_number_of_days_after_its_last_activity(sql_store, rows):
    for run_id in ("failed", "touched"):
        run_to(sql_store, FAILED, run_id)
        rows.age(run_id, days=91)
    now = "CURRENT_TIMESTAMP" if not rows.is_sqlite else "strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now')"
    rows.ask(f"UPDATE core_workflow_runs SET updated_at = {now} WHERE run_id = 'touched'")

    assert sql_store.purge_runs(PurgeOrder(days=90, failed_days=92)).runs == ()
    assert sql_store.purge_runs(PurgeOrder(days=1000, failed_days=90)).runs == ("failed",)


@pytest.mark.parametrize("status", ["pending", "running", "waiting", "of a later version"])
def test_a_run_that_has_not_ended_is_never_purged_however_old(sql_store, rows, status):
    run_to(sql_store, COMPLETED)
    rows.age("run-1", days=40_000)
    rows.ask("UPDATE core_workflow_runs SET status = ?", status)
    before = rows.everything()

    batch = sql_store.purge_runs(NINETY_DAYS)

    assert (batch.runs, batch.checkpoints) == ((), 0)
    assert rows.everything() == before


def test_a_crashed_run_is_never_purged_however_old(sql_store, rows):
    crash(sql_store)
    rows.age("run-1", days=40_000)
    before = everything(sql_store)

    assert sql_store.purge_runs(NINETY_DAYS).runs == ()
    assert everything(sql_store) == before


def test_old_checkpoints_without_a_run_go(sql_store, rows):
    for run_id, days in (("old", 91), ("young", 1)):
        run_to(sql_store, COMPLETED, run_id)
        rows.age(run_id, days=days)
        orphan(rows, run_id)

    batch = sql_store.purge_runs(NINETY_DAYS)

    assert (batch.runs, batch.checkpoints) == ((), 3)
    assert (checkpoints_of(rows, "old"), checkpoints_of(rows, "young")) == (0, 3)


@pytest.mark.parametrize("workflows", [None, frozenset({"orders"})])
def test_a_list_of_what_would_go_counts_the_checkpoints_that_a_purge_takes(sql_store, rows, workflows):
    for run_id, days in (("old", 91), ("young", 1), ("old orphan", 91), ("young orphan", 1)):
        run_to(sql_store, COMPLETED, run_id)
        rows.age(run_id, days=days)
    orphan(rows, "old orphan")
    orphan(rows, "young orphan")
    order = PurgeOrder(days=90, failed_days=90, workflows=workflows)

    counted = sql_store.preview_purge(order)

    assert counted == PurgedBatch(runs=("old",), checkpoints=6 if workflows is None else 3)
    assert sql_store.purge_runs(order) == counted


def test_checkpoints_without_a_run_go_in_batches_too(sql_store, rows):
    for number in range(3):
        run_to(sql_store, COMPLETED, f"run-{number}")
        rows.age(f"run-{number}", days=91)
        orphan(rows, f"run-{number}")

    taken = [sql_store.purge_runs(PurgeOrder(days=90, failed_days=90, batch=5)).checkpoints for _ in range(3)]

    assert taken == [5, 4, 0]


def test_a_purge_of_some_workflows_leaves_checkpoints_without_a_run(sql_store, rows):
    run_to(sql_store, COMPLETED)
    rows.age("run-1", days=91)
    orphan(rows, "run-1")

    batch = sql_store.purge_runs(PurgeOrder(days=90, failed_days=90, workflows=frozenset({"orders"})))

    assert batch.checkpoints == 0
    assert checkpoints_of(rows, "run-1") == 3


def test_several_purges_at_once_take_each_orphan_once(sql_store, rows):
    for number in range(10):
        run_to(sql_store, COMPLETED, f"run-{number}", steps=STEPS)
        rows.age(f"run-{number}", days=91)
        orphan(rows, f"run-{number}")
    order = PurgeOrder(days=90, failed_days=90, batch=4)

    taken = at_once(4, lambda _: sum(sql_store.purge_runs(order).checkpoints for _ in range(10)))

    assert sum(taken) == 30
    assert rows.one("SELECT count(*) FROM core_workflow_checkpoints") == 0


def test_a_batch_holds_no_more_checkpoints_than_others_can_wait_for(sql_store, rows):
    for number, run_id in enumerate(("first", "second", "third")):
        run_to(sql_store, COMPLETED, run_id)
        rows.age(run_id, days=95 - number)
    order = NINETY_DAYS._replace(most_checkpoints=7)

    batches = [sql_store.purge_runs(order), sql_store.purge_runs(order)]

    assert [batch.runs for batch in batches] == [("first", "second"), ("third",)]
    assert sql_store.purge_runs(order) == PurgedBatch(runs=(), checkpoints=0)


def test_a_run_goes_as_a_whole_however_many_checkpoints_it_has(sql_store, rows):
    for run_id in ("first", "second"):
        run_to(sql_store, COMPLETED, run_id)
        rows.age(run_id, days=91)

    assert sql_store.purge_runs(NINETY_DAYS._replace(most_checkpoints=1)).checkpoints == 3


def test_a_run_that_somebody_has_locked_is_left_for_the_next_purge(postgres_store, postgres_rows):
    for run_id in ("locked", "free"):
        run_to(postgres_store, COMPLETED, run_id)
        postgres_rows.age(run_id, days=91)

    with postgres_rows.connection() as other, other.transaction():
        other.execute("SELECT 1 FROM core_workflow_runs WHERE run_id = 'locked' FOR UPDATE")
        first = postgres_store.purge_runs(NINETY_DAYS).runs

    assert first == ("free",)
    assert postgres_store.purge_runs(NINETY_DAYS).runs == ("locked",)


def test_what_would_go_is_listed_as_runs_and_nothing_else_is_read(sql_store, rows):
    run_to(sql_store, COMPLETED, "old")
    create(sql_store, new_run("running"))
    rows.age("old", days=91)
    rows.ask("UPDATE core_workflow_checkpoints SET context_snapshot = '5'")

    assert sql_store.preview_purge(NINETY_DAYS).runs == ("old",)
