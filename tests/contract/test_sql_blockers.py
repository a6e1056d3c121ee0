"""Whoever waits for a lock in vain is told which session has it, and the statement that ends that session."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from urllib.parse import quote

import psycopg
import pytest

from spine.errors import StoreBusy
from spine.stores.open import open_store
from spine.testing.contract.drive import FAILED, claim_of, driving, run_to, wait_until
from tests.conftest import upgrade
from tests.contract.test_sql_errors import SECRET, as_role, role
from tests.servers.databases import migrated_template

IMPATIENT = f"?options={quote('-c lock_timeout=200ms')}"
ROW = "SELECT 1 FROM core_workflow_runs WHERE run_id = 'run-1' FOR UPDATE"
CHANGE = "UPDATE core_workflow_runs SET error = 'changed' WHERE run_id = 'run-1'"
TABLE = "LOCK TABLE core_workflow_runs IN EXCLUSIVE MODE"


@contextmanager
def session(url, name, *statements):
    """Somebody else, who leaves a transaction open."""
    with closing(psycopg.connect(url, application_name=name)) as connection:
        for statement in statements:
            connection.execute(statement)
        yield connection


@pytest.fixture
def store(postgres_url):
    with closing(open_store(postgres_url + IMPATIENT)) as store:
        yield store


def refused(act):
    with pytest.raises(StoreBusy) as caught:
        act()
    return str(caught.value)


def test_a_step_that_cannot_be_saved_names_the_session_in_the_way_and_how_to_end_it(store, postgres, postgres_url):
    with driving(store) as drive, session(postgres_url, "nightly report", ROW) as other:
        said = refused(lambda: drive.save("extract"))
        other_pid = other.info.backend_pid
        with postgres.connect() as operator:
            operator.execute(re.search(r"SELECT pg_terminate_backend\(\d+\)", said)[0])
        drive.save("extract")

    assert f"in the way is session {other_pid} ('nightly report', user spine)" in said
    assert re.search(r"idle in transaction, begun at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", said)
    assert said.endswith(f"end it with: SELECT pg_terminate_backend({other_pid})")
    assert "try again" in said


@pytest.mark.parametrize(
    "act",
    [
        lambda store: store.claim_run(claim_of(store.get_claimable("run-1"))),
        lambda store: store.cancel_run("run-1"),
        lambda store: store.delete_checkpoints("run-1"),
    ],
    ids=["resume", "cancel", "delete"],
)
def test_a_claim_or_a_command_that_waits_in_vain_names_it_too(store, postgres_url, act):
    run_to(store, FAILED)
    with session(postgres_url, "psql", ROW) as other:
        said = refused(lambda: act(store))

        assert f"session {other.info.backend_pid} ('psql'" in said
    act(store)


def test_whoever_only_reads_or_holds_another_run_is_not_named(store, postgres_url):
    run_to(store, FAILED)
    run_to(store, FAILED, "run-2")
    with (
        session(postgres_url, "reader", "SELECT count(*) FROM core_workflow_runs"),
        session(postgres_url, "neighbour", ROW.replace("run-1", "run-2")),
        session(postgres_url, "culprit", ROW),
    ):
        said = refused(lambda: store.cancel_run("run-1"))

    assert "in the way is session" in said
    assert "'culprit'" in said


def test_a_row_that_was_changed_and_not_committed_names_who_changed_it(store, postgres_url):
    run_to(store, FAILED)
    with session(postgres_url, "neighbour", ROW.replace("run-1", "run-2")), session(postgres_url, "editor", CHANGE):
        said = refused(lambda: store.cancel_run("run-1"))

    assert "'editor'" in said


@pytest.mark.parametrize("locks", [ROW, CHANGE], ids=["locked", "changed"])
def test_whoever_waits_for_the_same_row_is_not_named(store, postgres_url, locks):
    run_to(store, FAILED)
    with (
        session(postgres_url, "fellow sufferer") as other,
        session(postgres_url, "culprit", locks) as culprit,
        session(postgres_url, "watcher") as watcher,
        ThreadPoolExecutor(1) as pool,
    ):
        watcher.autocommit = True
        other.execute("SELECT 1")  # its transaction is older
        waiting = pool.submit(other.execute, CHANGE)
        wait_until(lambda: watcher.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall())

        said = refused(lambda: store.cancel_run("run-1"))
        culprit.rollback()
        waiting.result(20)

    assert "'culprit'" in said


def test_a_lock_of_the_whole_table_names_the_oldest_transaction_that_has_one(store, postgres_url):
    run_to(store, FAILED)
    with (
        session(postgres_url, "reader", "SELECT count(*) FROM core_workflow_runs"),
        session(postgres_url, "table", TABLE) as other,
    ):
        said = refused(lambda: store.cancel_run("run-1"))
        pid = other.info.backend_pid

    assert f"perhaps in the way is session {pid} ('table', user spine)" in said


@pytest.mark.parametrize("table", ["core_workflow_runs", "core_workflow_checkpoints", "core_workflow_definitions"])
def test_a_read_that_waits_for_a_table_names_who_locked_it(store, postgres_url, table):
    run_to(store, FAILED)
    with session(postgres_url, "psql", f"LOCK TABLE {table}"):
        said = refused(lambda: store.get_run("run-1"))

    assert "'psql'" in said


def test_of_a_row_that_several_share_one_of_them_is_named(store, postgres_url):
    run_to(store, FAILED)
    with (
        session(postgres_url, "innocent", "SELECT 1 FROM core_workflow_checkpoints FOR KEY SHARE"),
        session(postgres_url, "vacuum", "LOCK TABLE core_workflow_runs IN SHARE UPDATE EXCLUSIVE MODE"),
        session(postgres_url, "first of two", ROW.replace("UPDATE", "SHARE")),
        session(postgres_url, "second", ROW.replace("UPDATE", "SHARE")),
    ):
        said = refused(lambda: store.cancel_run("run-1"))

    assert "perhaps in the way is session" in said
    assert "'first of two'" in said


def test_who_locks_a_table_is_named_before_who_only_reads_it(store, postgres_url):
    run_to(store, FAILED)
    with (
        session(postgres_url, "reader", "SELECT count(*) FROM core_workflow_events"),
        session(postgres_url, "vacuum", "LOCK TABLE core_workflow_checkpoints IN SHARE UPDATE EXCLUSIVE MODE"),
        session(postgres_url, "culprit", "LOCK TABLE core_workflow_runs"),
    ):
        said = refused(lambda: store.get_run("run-1"))

    assert "'culprit'" in said


PREPARED = "in the way is the prepared transaction 'it''s mine' (user spine), begun at 2"


@pytest.mark.parametrize(("lock", "perhaps"), [(ROW, ""), ("LOCK TABLE core_workflow_runs", "perhaps ")])
def test_a_prepared_transaction_in_the_way_is_named_and_nobody_who_only_reads(new_postgres, lock, perhaps):
    server = new_postgres(max_prepared_transactions="1")
    url = server.create_database(migrated_template(server, upgrade))
    with closing(open_store(url + IMPATIENT)) as store:
        run_to(store, FAILED)
        with session(url, "coordinator", lock) as other:
            other.execute("PREPARE TRANSACTION 'it''s mine'")
        with session(url, "reader", *(["SELECT count(*) FROM core_workflow_runs"] if lock == ROW else [])):
            said = refused(lambda: store.cancel_run("run-1"))

        assert f"; {perhaps}{PREPARED}" in said
        assert said.endswith("end it with: ROLLBACK PREPARED 'it''s mine', or COMMIT PREPARED")
        with psycopg.connect(url, autocommit=True) as operator:
            operator.execute("ROLLBACK PREPARED 'it''s mine'")
        assert store.cancel_run("run-1")


@contextmanager
def plain_role(postgres, url, options=""):
    """The URL of a role that may use the tables and sees nothing of other roles' sessions."""
    with role(postgres, options) as name, psycopg.connect(url, autocommit=True) as owner:
        owner.execute(f"GRANT SELECT, UPDATE, INSERT ON ALL TABLES IN SCHEMA public TO {name}")
        yield as_role(url, name) + IMPATIENT
        owner.execute(f"DROP OWNED BY {name}")


def test_a_role_that_may_not_see_the_others_is_told_the_session_at_least(postgres, postgres_url):
    with (
        plain_role(postgres, postgres_url) as url,
        closing(open_store(url)) as store,
        session(postgres_url, "secretive") as other,
    ):
        run_to(store, FAILED)
        other.execute(ROW)
        said = refused(lambda: store.cancel_run("run-1"))
        pid = other.info.backend_pid

    assert f"in the way is session {pid}" in said
    assert said.endswith(f"end it with: SELECT pg_terminate_backend({pid})")
    assert "None" not in said
    assert SECRET not in said


def test_when_nobody_can_be_asked_the_error_says_what_it_knows(postgres, postgres_url):
    with (
        plain_role(postgres, postgres_url, "CONNECTION LIMIT 1") as url,
        closing(open_store(url)) as store,
        driving(store) as drive,
        session(postgres_url, "psql", ROW),
    ):
        said = refused(lambda: drive.save("extract"))

    assert said.endswith("a lock is held by another session for too long; try again")
