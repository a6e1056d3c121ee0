"""Rows that somebody damaged: a clear error names the run and the step, and nothing is run or deleted."""

import json
from datetime import timedelta
from itertools import product

import pytest

from spine import clock
from spine.errors import RunNotFound, SnapshotCorrupt, SnapshotTooNew
from spine.stores.protocol import PurgedBatch, PurgeOrder, RunFilter
from spine.testing.contract.drive import COMPLETED, FAILED, crash, create, driving, new_run, run_to

SNAPSHOTS = {
    "a number": "5",
    "null": "null",
    "text": '"{}"',
    "a list": "[]",
    "empty": "{}",
    "no params": {"params": None},
    "params as a list": {"params": []},
    "params as text": {"params": "day"},
    "outputs of the wrong shape": {"outputs": [{"extract": {}}]},
    "quality of the wrong shape": {"quality_metrics": {"extract": [1]}},
    "a damaged date": {"outputs": {"extract": {"day": {"$date": "2026-13-45"}}}},
    "a damaged span": {"outputs": {"extract": {"span": {"$timedelta": [10**12, 0, 0]}}}},
    "an unknown tag": {"outputs": {"extract": {"day": {"$moon": 1}}}},
    "a tag and more": {"outputs": {"extract": {"day": {"$date": "2026-01-10", "more": 1}}}},
    "a damaged order": {"outputs": {"$order": 5, "extract": {}}},
    "another order": {"outputs": {"$order": [[["extract"]]], "extract": {}}},
    "another run": {"run_id": "run-2"},
    "another workflow": {"workflow_name": "others"},
    "another step": {"step_name": "load"},
    "no format": {"schema_version": None},
    "an old format": {"schema_version": 0},
    "a format as text": {"schema_version": "1"},
    "defaulted as a number": {"defaulted": 5},
}
CUT = '{"schema_version": 1, "run_id": "run-1", "outp'
DEEP = "[" * 5000 + "]" * 5000


def snapshot_of(rows, step):
    return json.loads(
        rows.one("SELECT CAST(context_snapshot AS TEXT) FROM core_workflow_checkpoints WHERE step_name = ?", step)
    )


def overwrite(rows, column, text, *, where="1 = 1"):
    kept_apart = {"context_snapshot": "checkpoints", "metadata": "checkpoints", "definition": "definitions"}
    table = f"core_workflow_{kept_apart.get(column, 'runs')}"
    kind = "TEXT" if rows.is_sqlite else "JSONB"
    rows.ask(f"UPDATE {table} SET {column} = CAST(? AS {kind}) WHERE {where}", text)


def test_a_damaged_snapshot_is_reported_with_its_run_and_step(sql_store, rows):
    run_to(sql_store, FAILED, steps=("extract",))
    sound = snapshot_of(rows, "extract")

    for damage, change in SNAPSHOTS.items():
        overwrite(rows, "context_snapshot", change if isinstance(change, str) else json.dumps(sound | change))
        before = rows.everything()
        for read in (sql_store.get_checkpoint, sql_store.get_run):
            with pytest.raises(SnapshotCorrupt, match=r"'extract' in run 'run-1'"):
                pytest.fail(f"{damage} was read as {read('run-1')}")
        assert rows.everything() == before


@pytest.mark.parametrize("text", [CUT, "", "not json", DEEP, "{" * 200, "NaN", '{"a": 1e999}'], ids=str.__len__)
def test_text_that_is_no_json_is_reported_on_sqlite(sqlite_store, sqlite_rows, text):
    run_to(sqlite_store, FAILED, steps=("extract",))
    overwrite(sqlite_rows, "context_snapshot", text)

    with pytest.raises(SnapshotCorrupt, match="'extract' in run 'run-1'"):
        sqlite_store.get_run("run-1")


def test_a_snapshot_of_a_newer_format_is_refused_naming_both(sql_store, rows):
    run_to(sql_store, FAILED, steps=("extract",))
    overwrite(rows, "context_snapshot", json.dumps({"schema_version": 2, "all": "different"}))

    for read in (lambda: sql_store.get_checkpoint("run-1"), lambda: sql_store.get_run("run-1")):
        with pytest.raises(SnapshotTooNew, match=r"'extract' in run 'run-1' has format 2.* up to 1"):
            read()


def test_a_damaged_snapshot_hides_neither_the_others_nor_the_list(sql_store, rows):
    run_to(sql_store, FAILED)
    overwrite(rows, "context_snapshot", "5", where="step_name = 'load'")

    assert sql_store.get_checkpoint("run-1", "transform").step_outputs["extract"] == {"by": "extract"}
    assert [kept.step_name for kept in sql_store.list_checkpoints("run-1")] == ["extract", "transform", "load"]
    assert [run.run_id for run in sql_store.list_runs(RunFilter())] == ["run-1"]
    assert sql_store.get_claimable("run-1").status == "failed"


def test_lists_read_neither_params_nor_snapshots(sql_store, rows):
    run_to(sql_store, COMPLETED)
    for column in ("params", "partition", "context_snapshot"):
        overwrite(rows, column, "5")
    overwrite(rows, "resume_point", "5")

    assert [run.run_id for run in sql_store.list_runs(RunFilter())] == ["run-1"]
    assert len(sql_store.list_checkpoints("run-1")) == 3


@pytest.mark.parametrize(
    ("column", "text"),
    [
        *product(("params", "partition", "definition"), ("5", "null", "[]", '"x"')),
        ("params", '{"a": {"$date": "never"}}'),
        ("partition", '{"$order": 5}'),
        ("definition", '{"steps": 5}'),
        ("definition", '{"steps": [1]}'),
    ],
)
def test_a_damaged_run_is_reported_by_its_id(sql_store, rows, column, text):
    create(sql_store, new_run())
    overwrite(rows, column, text)

    with pytest.raises(SnapshotCorrupt, match="'run-1'"):
        sql_store.get_run("run-1")


@pytest.mark.parametrize("text", ["5", "[]", "{}", '{"step": "load"}', '{"step": "load", "params": 5, "skipped": []}'])
def test_a_damaged_resume_point_is_reported(sql_store, rows, text):
    run_to(sql_store, FAILED)
    overwrite(rows, "resume_point", text)

    with pytest.raises(SnapshotCorrupt, match="resume point of run 'run-1'"):
        sql_store.get_claimable("run-1")


@pytest.mark.parametrize("text", ["5", "[1]", '{"a": {"$date": "never"}}'])
def test_damaged_metadata_is_reported(sql_store, rows, text):
    run_to(sql_store, FAILED, steps=("extract",))
    overwrite(rows, "metadata", text)

    with pytest.raises(SnapshotCorrupt, match="'extract' in run 'run-1'"):
        sql_store.list_checkpoints("run-1")


@pytest.mark.parametrize(
    ("column", "value"), [("status", "paused"), ("status", ""), ("status", "RUNNING"), ("removed_because", "moved")]
)
def test_a_word_that_nobody_knows_is_reported_by_the_id_of_its_run(sql_store, rows, column, value):
    run_to(sql_store, FAILED)
    rows.ask(f"UPDATE core_workflow_runs SET {column} = ?", value)

    for read in (sql_store.get_run, sql_store.get_claimable):
        with pytest.raises(SnapshotCorrupt, match="'run-1'"):
            read("run-1")
    (damaged,) = sql_store.list_runs(RunFilter()).damaged
    assert "'run-1' is damaged" in str(damaged.error)


DAMAGED_RUNS = {"definition": "{}", "status": "paused", "removed_because": "moved", "created_at": "yesterday"}


@pytest.mark.parametrize("column", DAMAGED_RUNS)
def test_a_damaged_run_hides_no_other_and_is_named_beside_the_list_and_by_the_doctor(sqlite_store, sqlite_rows, column):
    for run_id in ("run-1", "run-2", "run-3"):
        create(sqlite_store, new_run(run_id))
    overwrite(sqlite_rows, column, DAMAGED_RUNS[column], where="run_id = 'run-2'")

    found = sqlite_store.list_runs(RunFilter())
    problems = [finding for finding in sqlite_store.examine() if finding.verdict == "problem"]

    assert [run.run_id for run in found] == ["run-1", "run-3"]
    (damaged,) = found.damaged
    assert (damaged.run_id, damaged.workflow_name, type(damaged.error)) == ("run-2", "orders", SnapshotCorrupt)
    assert [(found.subject, found.seen) for found in problems] == [("run", f"run-2: {damaged.error}")]


NO_UTF8 = "CAST(X'7b2261223a2261ff227d' AS TEXT)"  # {"a":"a?"}, but for the one byte
FLIPPED = "CAST(X'7b2261223a225cee227d' AS TEXT)"  # {"a":"\\n"}, but for a bit of the n


@pytest.mark.parametrize(
    "column", ["run_id", "workflow_name", "status", "current_step", "error", "created_at", "definition"]
)
def test_text_that_is_no_utf8_hides_no_other_run(sqlite_store, sqlite_rows, column):
    for run_id in ("run-1", "run-2", "run-3"):
        create(sqlite_store, new_run(run_id))
    table = "core_workflow_definitions" if column == "definition" else "core_workflow_runs"
    sqlite_rows.ask("PRAGMA foreign_keys = OFF")
    sqlite_rows.ask(f"UPDATE {table} SET {column} = {NO_UTF8} WHERE run_id = 'run-2'")

    found = sqlite_store.list_runs(RunFilter())

    assert len(found) + len(found.damaged) == 3
    assert {run.run_id for run in found} >= {"run-1", "run-3"}
    with pytest.raises(RunNotFound):
        sqlite_store.get_run("run-4")


@pytest.mark.parametrize("text", [NO_UTF8, FLIPPED])
@pytest.mark.parametrize("column", ["params", "partition", "context_snapshot", "metadata", "resume_point", "overrides"])
def test_a_document_that_is_no_utf8_is_damaged_and_never_read_as_another(sqlite_store, sqlite_rows, column, text):
    run_to(sqlite_store, FAILED, steps=("extract",))
    table = "checkpoints" if column in ("context_snapshot", "metadata") else "runs"
    sqlite_rows.ask(f"UPDATE core_workflow_{table} SET {column} = {text}")

    for read in READS[column]:
        with pytest.raises(SnapshotCorrupt, match="'run-1'"):
            read(sqlite_store)


READS = {
    "params": [lambda store: store.get_first_context("run-1")],
    "partition": [lambda store: store.get_first_context("run-1")],
    "context_snapshot": [lambda store: store.get_checkpoint("run-1"), lambda store: store.get_run("run-1")],
    "metadata": [lambda store: store.list_checkpoints("run-1")],
    "resume_point": [lambda store: store.get_claimable("run-1")],
    "overrides": [lambda store: store.get_claimable("run-1"), lambda store: store.get_run("run-1")],
}


def test_a_run_with_a_damaged_row_is_still_purged(sql_store, rows):
    run_to(sql_store, COMPLETED)
    overwrite(rows, "definition", "5")
    overwrite(rows, "metadata", "5")
    rows.age("run-1", days=2)
    order = PurgeOrder(days=1, failed_days=1)

    assert sql_store.preview_purge(order) == sql_store.purge_runs(order) == PurgedBatch(runs=("run-1",), checkpoints=3)


@pytest.mark.parametrize("column", ["created_at", "finished_at", "updated_at", "removed_at"])
@pytest.mark.parametrize("value", ["yesterday", "", "2026-13-45 00:00:00+00:00", 5])
def test_a_time_that_is_none_is_reported_on_sqlite(sqlite_store, sqlite_rows, column, value):
    run_to(sqlite_store, FAILED)
    sqlite_rows.ask(f"UPDATE core_workflow_runs SET {column} = ?", value)

    with pytest.raises(SnapshotCorrupt):
        sqlite_store.get_run("run-1")


def test_a_time_without_a_zone_is_utc_on_sqlite(sqlite_store, sqlite_rows):
    run_to(sqlite_store, FAILED)
    sqlite_rows.ask("UPDATE core_workflow_runs SET finished_at = CURRENT_TIMESTAMP")

    finished_at = sqlite_store.get_run("run-1").finished_at

    assert abs(finished_at - clock.now()) < timedelta(minutes=5)


@pytest.mark.parametrize(
    "change",
    [
        "kind = 'run.flew'",
        *("details = '5'", "details = '[1]'", """details = '{"skipped": 5}'"""),
        *("""details = '{"skipped": [{}]}'""", """details = '{"error": 5}'""", """details = '{"traceback": []}'"""),
    ],
)
def test_a_damaged_event_is_reported(sql_store, rows, change):
    run_to(sql_store, FAILED)
    rows.ask(f"UPDATE core_workflow_events SET {change}")

    with pytest.raises(SnapshotCorrupt, match="of run 'run-1'"):
        sql_store.list_events("run-1")

    assert sql_store.get_run("run-1").status == "failed"


def test_a_running_run_without_a_lease_counts_as_crashed(sql_store, rows):
    create(sql_store, new_run())
    rows.ask("UPDATE core_workflow_runs SET holder = NULL, expires_at = NULL")

    run = sql_store.get_run("run-1")

    assert (run.is_crashed, run.lease) == (True, None)


def test_a_lease_without_an_end_is_not_held_for_ever(sql_store, rows):
    create(sql_store, new_run())
    rows.ask("UPDATE core_workflow_runs SET expires_at = NULL")

    assert sql_store.get_run("run-1").is_crashed
    assert sql_store.delete_checkpoints("run-1") == 0


def test_damage_is_purged_like_anything_else(sql_store, rows):
    run_to(sql_store, COMPLETED)
    rows.age("run-1", days=91)
    for column in ("params", "context_snapshot", "metadata"):
        overwrite(rows, column, "5")

    batch = sql_store.purge_runs(PurgeOrder(days=90, failed_days=90))

    assert (batch.runs, batch.checkpoints) == (("run-1",), 3)


def test_a_crashed_run_with_a_damaged_checkpoint_can_be_deleted(sql_store, rows):
    crash(sql_store)
    overwrite(rows, "context_snapshot", "5")

    assert sql_store.delete_checkpoints("run-1") == 2


def test_a_change_that_lost_what_it_changed_is_reported(sql_store, rows):
    with driving(sql_store) as drive:
        for step in ("a", "b", "c"):
            drive.save(step, {"text": "x" * 3000})
        drive.writer.end_run(FAILED)
    document = snapshot_of(rows, "b")
    del document["outputs"]
    overwrite(rows, "context_snapshot", json.dumps(document), where="step_name = 'b'")

    for step in ("b", "c"):
        with pytest.raises(SnapshotCorrupt, match="outputs"):
            sql_store.get_checkpoint("run-1", step)


@pytest.mark.parametrize("text", ["5", "[5]", '[{"after": 1, "step": ["a"], "params": {}}]', '[{"step": "a"}]'])
def test_damaged_overrides_are_reported(sql_store, rows, text):
    run_to(sql_store, FAILED)
    overwrite(rows, "overrides", text)

    for read in (sql_store.get_run, sql_store.get_claimable):
        with pytest.raises(SnapshotCorrupt, match="overrides of run 'run-1'"):
            read("run-1")
