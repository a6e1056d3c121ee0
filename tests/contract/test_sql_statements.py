"""What a step costs, and that the fence is compared by the statement that writes."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from spine.errors import LeaseLost
from spine.testing.contract.drive import COMPLETED, create, driving, new_run, wait_until


def traced(tmp_path, drive, act):
    """What goes over the wire while something is done: message names, sent (F) and received (B)."""
    path = tmp_path / "wire"
    with path.open("wb") as file:
        connection = drive.writer._session.cursor.connection.pgconn
        connection.trace(file.fileno())
        connection.set_trace_flags(1)  # without times
        act()
        connection.untrace()
    return [tuple(line.split("\t")[:3:2]) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("ending", [None, COMPLETED], ids=["step", "last step"])
def test_a_step_is_one_statement_and_one_commit_on_postgresql(postgres_store, tmp_path, ending):
    for run_id in ("run-1", "run-2"):
        with driving(postgres_store, run_id) as drive:
            for _ in range(3):
                drive.save("extract")

            wire = traced(tmp_path, drive, lambda: drive.save("load", ending=ending))

    sent = [message for direction, message in wire if direction == "F"]
    assert sent.count("Execute") == 1
    assert sent.count("Sync") == 1
    assert "Query" not in sent
    assert [message for direction, message in wire].count("ReadyForQuery") == 1


def test_a_step_that_was_taken_before_is_not_parsed_again_on_postgresql(postgres_store, tmp_path):
    with driving(postgres_store) as drive:
        drive.save("extract")

        wire = traced(tmp_path, drive, lambda: drive.save("transform"))

    assert "Parse" not in [message for _, message in wire]


def test_no_transaction_stays_open_between_steps_on_postgresql(postgres_store, postgres_rows):
    with driving(postgres_store) as drive:
        drive.save("extract")

        states = postgres_rows.ask(
            "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    assert states
    assert set(states) == {("idle",)}


@pytest.mark.parametrize("ending", [None, COMPLETED], ids=["step", "last step"])
def test_a_step_is_one_transaction_on_sqlite(sqlite_store, ending):
    with driving(sqlite_store) as drive:
        drive.save("extract")
        said = []
        drive.writer._session.cursor.connection.set_trace_callback(said.append)
        drive.save("load", ending=ending)
        drive.writer._session.cursor.connection.set_trace_callback(None)

    words = [statement.split(maxsplit=1)[0] for statement in said]
    assert (words[0], words[1], words[-1]) == ("BEGIN", "UPDATE", "COMMIT")
    assert said[0] == "BEGIN IMMEDIATE"
    assert words.count("COMMIT") == words.count("BEGIN") == 1


def test_a_commit_is_on_the_disk_on_sqlite(sqlite_store):
    with driving(sqlite_store) as drive:
        driver = drive.writer._session.cursor.connection

        assert driver.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert driver.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_commit_is_on_the_disk_on_postgresql(postgres_store):
    with driving(postgres_store) as drive:
        asked = drive.writer._session.cursor.connection.execute("SHOW synchronous_commit").fetchone()

    assert asked == ("on",)


def test_the_fence_is_compared_by_the_statement_that_writes(sql_store, rows):
    taken = "UPDATE core_workflow_runs SET fence = fence + 1"
    with driving(sql_store) as drive, rows.connection() as other, ThreadPoolExecutor(1) as pool:
        drive.save("extract")
        other.execute("BEGIN IMMEDIATE" if rows.is_sqlite else "BEGIN")
        other.execute(taken)

        late = pool.submit(drive.save, "transform")
        if not rows.is_sqlite:
            wait_until(lambda: rows.ask("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))
        other.execute("COMMIT")

        with pytest.raises(LeaseLost):
            late.result(20)

    assert rows.ask("SELECT step_name FROM core_workflow_checkpoints") == [("extract",)]


def test_nothing_that_changes_with_a_step_is_indexed_on_postgresql(postgres_store, postgres_rows):
    indexed = postgres_rows.ask(
        "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) "
        "WHERE i.indrelid = 'core_workflow_runs'::regclass"
    )
    with driving(postgres_store) as drive:
        before = row_of(postgres_rows)
        drive.save("extract", next_step="transform")
        after = row_of(postgres_rows)

    changed = {name for name in before if before[name] != after[name]}
    assert {"current_step", "expires_at"} <= changed
    assert changed.isdisjoint(name for (name,) in indexed)


def row_of(rows):
    return rows.one("SELECT to_jsonb(r) FROM core_workflow_runs r")


def test_snapshots_are_jsonb_and_ids_bigint_on_postgresql(postgres_store, postgres_rows):
    create(postgres_store, new_run())
    found = postgres_rows.ask(
        "SELECT table_name || '.' || column_name, data_type, is_identity FROM information_schema.columns "
        "WHERE table_schema = 'public'"
    )
    types = {name: kind for name, kind, _ in found}

    documents = ("runs.params", "runs.partition", "definitions.definition", "runs.resume_point")
    documents += ("checkpoints.context_snapshot", "checkpoints.metadata", "events.details")
    assert {types[f"core_workflow_{name}"] for name in documents} == {"jsonb"}
    ids = [(name, kind, identity) for name, kind, identity in found if name.endswith(".id")]
    assert {(kind, identity) for _, kind, identity in ids} == {("bigint", "YES")}


def test_a_person_reads_a_snapshot_with_sql(sql_store, rows):
    with driving(sql_store, partition={"region": "north"}) as drive:
        drive.save("extract", {"rows": 3})
    path = (
        "json_extract(context_snapshot, '$.outputs.extract.rows')"
        if rows.is_sqlite
        else "(context_snapshot #>> '{outputs,extract,rows}')::int"
    )

    assert rows.one(f"SELECT {path} FROM core_workflow_checkpoints") == 3
    text = rows.one("SELECT CAST(context_snapshot AS TEXT) FROM core_workflow_checkpoints")
    assert json.loads(text)["partition"] == {"region": "north"}
