"""Stored times are UTC with their zone, and leases run by the database's clock, whatever this machine says."""

import time
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone

import pytest

from spine import clock
from spine.stores.open import open_store
from spine.stores.protocol import PurgeOrder, RunFilter
from spine.testing.contract.drive import (
    AN_INSTANT,
    COMPLETED,
    FAILED,
    crash,
    create,
    driving,
    everything,
    new_run,
    run_to,
    take_over,
    wait_until,
)
from tests.contract.rows import TIMES

SOON = timedelta(minutes=5)
ZONES = ("UTC", "Asia/Kathmandu", "America/St_Johns")


@pytest.fixture(params=ZONES)
def zone(request, monkeypatch):
    """The process lives in this time zone."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield request.param
    time.tzset()


def test_every_stored_time_is_utc_with_its_zone(sql_store, rows, zone):
    run_to(sql_store, FAILED)
    take_over(sql_store)
    sql_store.cancel_run("run-1")
    sql_store.delete_checkpoints("run-1")
    with driving(sql_store, "run-2") as drive:
        drive.save("extract")

    stored = [value for table, column in TIMES for (value,) in rows.ask(f"SELECT {column} FROM {table}") if value]

    assert len(stored) > 15
    for value in stored:
        if rows.is_sqlite:
            assert value.endswith("+00:00")
            assert value == datetime.fromisoformat(value).isoformat(sep=" ", timespec="microseconds")
        moment = datetime.fromisoformat(value) if rows.is_sqlite else value
        assert abs(moment - datetime.now(UTC)) < timedelta(hours=2)


def test_what_was_written_in_one_zone_reads_the_same_in_another(sql_store, rows, monkeypatch, database_url):
    run_to(sql_store, COMPLETED)
    before = everything(sql_store)

    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Kathmandu")
        time.tzset()
        with closing(open_store(database_url)) as elsewhere:
            after = everything(elsewhere)
    time.tzset()

    assert after == before
    assert after.run.finished_at.tzinfo is UTC


def test_a_column_that_holds_a_time_holds_its_zone_too_on_postgresql(postgres_store, postgres_rows):
    create(postgres_store, new_run())

    found = postgres_rows.ask(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND data_type = 'timestamp with time zone'"
    )
    without = postgres_rows.ask(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND data_type LIKE '%time%' AND data_type <> 'timestamp with time zone'"
    )

    assert sorted(found) == sorted(TIMES)
    assert without == []


def test_a_session_in_another_zone_reads_utc_on_postgresql(postgres_url):
    with closing(open_store(f"{postgres_url}?options=-c%20timezone%3DAsia/Kathmandu")) as store:
        create(store, new_run())
        run = store.get_run("run-1")

    assert run.created_at.tzinfo is UTC
    assert run.lease.expires_at.tzinfo is UTC
    assert abs(run.created_at - datetime.now(UTC)) < SOON


def test_since_may_be_given_in_any_zone(sql_store):
    create(sql_store, new_run())
    kathmandu = timezone(timedelta(hours=5, minutes=45))
    made = sql_store.get_run("run-1").created_at.astimezone(kathmandu)

    assert len(sql_store.list_runs(RunFilter(since=made - timedelta(seconds=1)))) == 1
    assert sql_store.list_runs(RunFilter(since=made + timedelta(seconds=1))) == []


def test_the_latest_checkpoint_is_that_of_the_highest_sequence_whatever_the_times_say(sql_store, rows):
    with driving(sql_store) as drive:
        for step in ("extract", "transform", "load"):
            drive.save(step)
    for step, year in (("extract", 2030), ("transform", 2020), ("load", 2010)):
        moment = f"{year}-01-01 00:00:00.000000+00:00"
        rows.ask("UPDATE core_workflow_checkpoints SET created_at = ? WHERE step_name = ?", moment, step)
        rows.ask("UPDATE core_workflow_checkpoints SET updated_at = ? WHERE step_name = ?", moment, step)

    assert sql_store.get_checkpoint("run-1").step_name == "load"
    assert list(sql_store.get_run("run-1").context.outputs) == ["extract", "transform", "load"]
    assert [kept.sequence for kept in sql_store.list_checkpoints("run-1")] == [1, 2, 3]


@pytest.mark.parametrize("wrong_by", [timedelta(hours=1), timedelta(hours=-1)], ids=["fast", "slow"])
def test_a_clock_of_this_process_that_is_wrong_changes_nothing(sql_store, monkeypatch, wrong_by):
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + wrong_by)

    lease = create(sql_store, new_run("held", lease_seconds=60.0))
    crash(sql_store, "crashed")
    run_to(sql_store, COMPLETED, "completed")

    assert abs(lease.acquired_at - datetime.now(UTC)) < SOON
    assert sql_store.get_run("held").lease == lease
    assert sql_store.get_run("crashed").is_crashed
    assert sql_store.preview_purge(PurgeOrder(days=0.01, failed_days=0.01)).runs == ()
    for run in sql_store.list_runs(RunFilter()):
        assert abs(run.created_at - datetime.now(UTC)) < SOON
        assert abs(run.updated_at - datetime.now(UTC)) < SOON


def test_a_lease_ends_by_the_databases_clock(sql_store, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: datetime(1999, 1, 1, tzinfo=UTC))
    create(sql_store, new_run(lease_seconds=AN_INSTANT))

    wait_until(lambda: sql_store.get_run("run-1").is_crashed)

    assert take_over(sql_store).acquired_at.year > 1999
