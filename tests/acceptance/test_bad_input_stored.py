"""Stored rows that are damaged, newer or contradictory, and databases that are none: said clearly, nothing is run."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from spine.orchestration import (
    InvalidSetting,
    Registry,
    RunNotFound,
    SchemaMissing,
    SchemaTooNew,
    SnapshotCorrupt,
    SnapshotTooNew,
    StoreError,
    StoreUnavailable,
    WorkflowRunner,
)
from tests.contract.rows import Rows


@pytest.fixture
def rows(database_url: str) -> Iterator[Rows]:
    """The same database, behind Spine's back."""
    rows = Rows(database_url)
    yield rows
    rows.close()


@pytest.fixture
def on_disk(database_url: str) -> Iterator[WorkflowRunner]:
    with WorkflowRunner(database_url, registry=Registry()) as runner:
        yield runner


@pytest.fixture
def failed(on_disk, ran) -> str:
    """A run that did a and b and failed at c, which has been repaired."""
    ran.broken["c"] = RuntimeError("down")
    run_id = on_disk.execute(ran.workflow("a", "b", "c"), params={"x": 1}, run_id="1").run_id
    ran.repair()
    ran.taken()
    return run_id


def test_a_run_whose_snapshot_and_resume_point_are_damaged_can_be_cancelled(on_disk, failed, rows):
    replace(rows, "[]")
    rows.ask(f"UPDATE core_workflow_runs SET resume_point = CAST(? AS {'TEXT' if rows.is_sqlite else 'JSONB'})", "[]")

    assert on_disk.cancel(failed).status == "cancelled"


def change(rows: Rows, **changes) -> None:
    """Change the snapshot of b."""
    text = rows.one("SELECT CAST(context_snapshot AS TEXT) FROM core_workflow_checkpoints WHERE step_name = 'b'")
    replace(rows, json.dumps(json.loads(text) | changes))


def replace(rows: Rows, text: str) -> None:
    kind = "TEXT" if rows.is_sqlite else "JSONB"
    rows.ask(f"UPDATE core_workflow_checkpoints SET context_snapshot = CAST(? AS {kind}) WHERE step_name = 'b'", text)


@pytest.mark.parametrize(
    "changes",
    [
        {"run_id": "other"},
        {"step_name": "a"},
        {"workflow_name": "other"},
        {"schema_version": 0},
        {"schema_version": "1"},
        {"schema_version": None},
        {"outputs": []},
        {"outputs": None},
        {"params": {"x": {"$date": "never"}}},
        {"params": {"x": {"$unknown": 1}}},
        {"quality_metrics": {"a": 5}},
        {"quality_metrics": {"a": {"passed": True, "1": {"$float": "x"}}}},
        {"partition": "x"},
    ],
)
def test_a_snapshot_that_contradicts_itself_is_reported_and_nothing_runs(on_disk, ran, failed, rows, changes):  # INV-54
    change(rows, **changes)
    before = rows.everything()

    for ask in (lambda: on_disk.resume("1"), lambda: on_disk.get_run("1"), lambda: on_disk.get_checkpoint("1")):
        with pytest.raises(SnapshotCorrupt, match="step 'b' in run '1' is damaged.*nothing was run"):
            ask()

    assert ran.steps == []
    assert rows.everything() == before


@pytest.mark.parametrize("text", ["[]", "5", "null", '"text"', "{}"])
def test_a_snapshot_of_another_shape_is_reported(on_disk, ran, failed, rows, text):  # INV-54
    replace(rows, text)

    with pytest.raises(SnapshotCorrupt, match="step 'b' in run '1' is damaged"):
        on_disk.resume("1")
    assert ran.steps == []


def test_a_damaged_checkpoint_can_be_replaced_by_starting_before_it(on_disk, ran, failed, rows):  # INV-54, S35
    change(rows, outputs=5)

    result = on_disk.resume("1", start_from="b")

    assert (result.status, ran.steps) == ("completed", ["b", "c"])
    assert result.context.outputs == {name: {"by": name} for name in "abc"}


def test_a_snapshot_of_a_newer_format_names_both(on_disk, ran, failed, rows):  # INV-54, INV-61
    change(rows, schema_version=99)

    with pytest.raises(SnapshotTooNew, match="has format 99, and this program knows formats up to 1"):
        on_disk.resume("1")
    assert ran.steps == []


def test_a_run_without_its_checkpoints_starts_where_it_must(on_disk, ran, failed, rows):  # INV-2
    rows.ask("DELETE FROM core_workflow_checkpoints WHERE step_name = 'b'")

    assert on_disk.resume("1").completed_steps == ["b", "c"]


def test_a_definition_that_lacks_the_steps_that_are_done_is_reported(on_disk, ran, failed, rows):  # INV-54
    kind = "TEXT" if rows.is_sqlite else "JSONB"
    stranger = '{"steps": [{"name": "z", "kind": "x"}]}'
    rows.ask(f"UPDATE core_workflow_definitions SET definition = CAST(? AS {kind})", stranger)

    with pytest.raises(SnapshotCorrupt, match="run '1' stands at step 'b', which its own definition does not have"):
        on_disk.resume("1")
    assert ran.steps == []


def test_tables_of_a_newer_program_are_not_touched(on_disk, ran, failed, rows, database_url):  # INV-61
    rows.ask("UPDATE core_workflow_schema SET version_num = '9999'")
    before = rows.everything()

    with WorkflowRunner(database_url, registry=Registry()) as fresh:
        for ask in (lambda: fresh.execute(ran.workflow("a")), lambda: fresh.resume("1"), fresh.list_runs):
            with pytest.raises(SchemaTooNew, match="9999, newer than this program"):
                ask()

    assert rows.everything() == before
    assert ran.steps == []


def test_postgresql_without_tables_says_which_command_makes_them(empty_postgres_url, ran):  # INV-61
    said = pytest.raises(SchemaMissing, match="make them with: spine db upgrade")
    with WorkflowRunner(empty_postgres_url, registry=Registry()) as runner, said:
        runner.execute(ran.workflow("a"))
    assert ran.steps == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        "x",
        "sqlite://",
        "mysql://u:hunter2@h/d",
        "postgresql://u:hunter2@h:port/d",
        "sqlite:///:memory:",
        "://",
    ],
)
def test_a_url_that_means_nothing_is_refused_at_once(url):  # INV-80
    with pytest.raises(InvalidSetting) as refused:
        WorkflowRunner(url)

    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("url", [5, b"sqlite:///x", ["sqlite:///x"], Path("x.db")])
def test_a_url_is_text(url):
    with pytest.raises(InvalidSetting):
        WorkflowRunner(url)


def test_a_database_that_cannot_be_reached_is_a_clear_error_without_its_password(ran):  # INV-80, INV-83
    with WorkflowRunner("postgresql://spine:hunter2@127.0.0.1:1/spine", registry=Registry()) as runner:
        for ask in (lambda: runner.execute(ran.workflow("a")), lambda: runner.get_run("1"), runner.list_runs):
            with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1/spine") as said:
                ask()
            assert "hunter2" not in f"{said.value}{said.value.__cause__}"
            assert "hunter2" not in runner.location
    assert ran.steps == []


@pytest.mark.parametrize("contents", [b"this is a letter", b"SQLite format 3\0" + b"\xff" * 2000, bytes(4096)])
def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path, ran, contents):  # INV-83
    file = tmp_path / "letter.db"
    file.write_bytes(contents)

    with WorkflowRunner(f"sqlite:///{file}", registry=Registry()) as runner, pytest.raises(StoreError):
        runner.execute(ran.workflow("a"))

    assert file.read_bytes() == contents
    assert ran.steps == []


def test_none_found_is_not_could_not_read(on_disk, rows, ran, failed):  # DESIGN: order of things
    with pytest.raises(RunNotFound):
        on_disk.resume("2")
    rows.ask("UPDATE core_workflow_runs SET status = 'odd'")
    for ask in (lambda: on_disk.resume("1"), lambda: on_disk.execute(ran.workflow("a"), run_id="1")):
        with pytest.raises(SnapshotCorrupt, match="'1'"):
            ask()
    assert ran.steps == []


@pytest.mark.parametrize("first_names", [["x"], {"b": ["x"]}, {"b": 5}, "b"])
def test_first_names_that_are_none_are_damage(on_disk, failed, rows, ran, first_names):
    definition = json.loads(rows.one("SELECT CAST(definition AS TEXT) FROM core_workflow_definitions"))
    kind = "TEXT" if rows.is_sqlite else "JSONB"
    rows.ask(
        f"UPDATE core_workflow_definitions SET definition = CAST(? AS {kind})",
        json.dumps({**definition, "first_names": first_names}),
    )

    with pytest.raises(SnapshotCorrupt, match="is damaged"):
        on_disk.resume(failed)
    assert ran.steps == []
