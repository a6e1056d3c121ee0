"""A store looks at the version of its tables before it does anything, and never repairs what it does not know."""

from contextlib import closing

import pytest

from spine import clock
from spine.errors import SchemaMissing, SchemaOutdated, SchemaTooNew, StoreError
from spine.records.lease import Lease
from spine.stores.open import open_store
from spine.stores.protocol import PurgeOrder, RunFilter
from spine.stores.sql import schema
from spine.testing.contract.drive import FAILED, at_once, claim_of, create, driving, everything, new_run, run_to
from tests.contract.rows import Rows

ORDER = PurgeOrder(days=1, failed_days=1)
LEASE = Lease(run_id="run-1", holder="ann", fence=1, acquired_at=clock.now(), expires_at=clock.now())
VERBS = {
    "create_run": lambda store, _: store.create_run(new_run("run-2")),
    "claim_run": lambda store, run: store.claim_run(claim_of(run)),
    "get_run": lambda store, _: store.get_run("run-1"),
    "get_claimable": lambda store, _: store.get_claimable("run-1"),
    "get_first_context": lambda store, _: store.get_first_context("run-1"),
    "list_runs": lambda store, _: store.list_runs(RunFilter()),
    "cancel_run": lambda store, _: store.cancel_run("run-1"),
    "list_checkpoints": lambda store, _: store.list_checkpoints("run-1"),
    "get_checkpoint": lambda store, _: store.get_checkpoint("run-1"),
    "delete_checkpoints": lambda store, _: store.delete_checkpoints("run-1"),
    "list_events": lambda store, _: store.list_events("run-1"),
    "renew_leases": lambda store, _: store.renew_leases([LEASE], lease_seconds=60),
    "preview_purge": lambda store, _: store.preview_purge(ORDER),
    "purge_runs": lambda store, _: store.purge_runs(ORDER),
}


def test_tables_of_a_newer_program_are_neither_read_nor_written(sql_store, rows, database_url):
    run_to(sql_store, FAILED)
    run = sql_store.get_claimable("run-1")
    rows.ask("UPDATE core_workflow_schema SET version_num = '9999'")
    before = rows.everything()

    for ask in VERBS.values():
        with closing(open_store(database_url)) as older, pytest.raises(SchemaTooNew, match="9999") as caught:
            ask(older, run)
        assert schema.HEAD in str(caught.value)

    assert rows.everything() == before


def test_missing_tables_are_not_made_on_postgresql(empty_postgres_url):
    with closing(open_store(empty_postgres_url)) as store:
        for ask in (lambda: store.list_runs(RunFilter()), lambda: store.create_run(new_run())):
            with pytest.raises(SchemaMissing, match="spine db upgrade"):
                ask()

    with closing(Rows(empty_postgres_url)) as rows:
        assert rows.tables() == set()


def test_a_store_that_found_no_tables_looks_again(empty_postgres_url):
    with closing(open_store(empty_postgres_url)) as store:
        with pytest.raises(SchemaMissing):
            store.create_run(new_run())
        schema.upgrade(store._engine)

        assert store.create_run(new_run()) is not None


def test_older_tables_are_not_touched_on_postgresql(postgres_store, postgres_rows, postgres_url):
    create(postgres_store, new_run())
    schema.downgrade(postgres_store._engine, "0001")
    tables = postgres_rows.tables()

    with closing(open_store(postgres_url)) as store, pytest.raises(SchemaOutdated, match="db upgrade") as caught:
        store.list_runs(RunFilter())

    assert "0001" in str(caught.value)
    assert schema.HEAD in str(caught.value)
    assert postgres_rows.tables() == tables


def test_older_tables_are_upgraded_on_first_use_on_sqlite(sqlite_store, sqlite_rows, sqlite_url):
    run_to(sqlite_store, FAILED)
    before = everything(sqlite_store)
    schema.downgrade(sqlite_store._engine, "0001")

    with closing(open_store(sqlite_url)) as store:
        after = everything(store)

    assert (after.run, after.checkpoints) == (before.run, before.checkpoints)
    assert sqlite_rows.one("SELECT version_num FROM core_workflow_schema") == schema.HEAD


@pytest.fixture
def new_url(tmp_path):
    return f"sqlite:///{tmp_path / 'new.db'}"


def test_tables_are_made_on_first_use_on_sqlite_and_not_before(tmp_path):
    path = tmp_path / "new.db"
    with closing(open_store(f"sqlite:///{path}")) as store:
        assert not path.exists()
        assert store.list_runs(RunFilter()) == []

    with closing(Rows(f"sqlite:///{path}")) as rows:
        assert "core_workflow_runs" in rows.tables()


def test_a_file_may_hold_other_tables_too(new_url):
    with closing(Rows(new_url)) as rows, closing(open_store(new_url)) as store:
        rows.ask("CREATE TABLE orders (id INTEGER)")
        rows.ask("INSERT INTO orders VALUES (7)")

        create(store, new_run())

        assert rows.one("SELECT id FROM orders") == 7


def test_ten_who_open_a_new_file_at_once_all_get_in(new_url):
    def drive_one(number):
        with closing(open_store(new_url)) as store, driving(store, f"run-{number}") as drive:
            drive.save("extract")

    at_once(10, drive_one)

    with closing(open_store(new_url)) as store:
        assert len(store.list_runs(RunFilter())) == 10


@pytest.mark.parametrize("contents", [(), ("0001", "0002")], ids=["no version", "two versions"])
def test_a_version_that_cannot_be_told_is_refused(sql_store, rows, database_url, contents):
    run_to(sql_store, FAILED)
    rows.ask("DELETE FROM core_workflow_schema")
    for version in contents:
        rows.ask("INSERT INTO core_workflow_schema VALUES (?)", version)
    before = rows.everything()

    with closing(open_store(database_url)) as store, pytest.raises(StoreError):
        store.list_runs(RunFilter())

    assert rows.everything() == before
