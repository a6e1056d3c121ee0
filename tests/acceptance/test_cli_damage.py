"""What the command line shows of runs of which something is damaged: all the rest, and the damage by name."""

import sqlite3
from contextlib import closing

import pytest

from tests.acceptance.command import ORDERS


@pytest.fixture
def orders(place):
    (place / "orders.py").write_text(ORDERS)
    return "orders.py"


def execute(place, statement):
    with closing(sqlite3.connect(place / "spine.db", isolation_level=None)) as connection:
        connection.execute(statement)


def test_a_damaged_run_hides_no_other_from_the_list(spine, orders, place):
    spine("run", orders, "--run-id", "good")
    spine("run", orders, "--run-id", "bad")
    execute(place, "UPDATE core_workflow_definitions SET definition = '{' WHERE run_id = 'bad'")

    said = spine("runs", "list", "--json")

    assert said.code == 1
    assert [run["run_id"] for run in said.json] == ["good"]
    assert "run 'bad' of orders is not listed: run 'bad' is damaged" in said.err


def test_a_damaged_snapshot_does_not_hide_the_list_of_checkpoints(spine, orders, place):
    spine("run", orders, "--run-id", "r1")
    execute(place, "UPDATE core_workflow_checkpoints SET context_snapshot = '{' WHERE step_name = 'check'")

    said = spine("checkpoints", "list", "r1")

    assert said.code == 0
    assert [line.split()[1] for line in said.out.splitlines()[1:]] == ["extract", "check"]
    assert "damaged" in said.err


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("UPDATE core_workflow_checkpoints SET context_snapshot = '{' WHERE step_name = 'check'", "step 'check'"),
        ("UPDATE core_workflow_checkpoints SET metadata = '5' WHERE step_name = 'check'", "step 'check'"),
        ("UPDATE core_workflow_events SET kind = 'run.flew'", "event 1 of run 'r1'"),
    ],
    ids=["snapshot", "metadata", "event"],
)
def test_what_is_damaged_of_a_run_does_not_hide_the_rest(spine, orders, place, damage, named):
    spine("run", orders, "--run-id", "r1")
    execute(place, damage)

    said, told = spine("runs", "show", "r1"), spine("runs", "show", "r1", "--json")

    assert (said.code, told.code) == (1, 1)
    assert "ConnectionError: the target is out of reach" in said.out
    assert [step["name"] for step in told.json["steps"]] == ["extract", "check", "load", "report"]
    assert f"{named}" in said.err
    assert "is damaged" in said.err


@pytest.mark.parametrize("odd", ['"long"', "null", "[1]", '{"$float": "nan"}', '{"$float": "inf"}', "-1", "1e300"])
def test_a_duration_that_is_none_is_left_out_and_hides_nothing(spine, orders, place, odd):
    spine("run", orders, "--run-id", "r1")
    execute(place, f"UPDATE core_workflow_checkpoints SET metadata = json_set(metadata, '$.duration', json('{odd}'))")

    shown, told = spine("runs", "show", "r1"), spine("runs", "show", "r1", "--json")
    rest = [spine("checkpoints", what, "r1", *json) for what in ("list", "show") for json in ((), ("--json",))]

    assert [said.code for said in (shown, told, *rest)] == [0] * 6
    assert "resume it with" in shown.out
    assert [step["name"] for step in told.json["steps"]] == ["extract", "check", "load", "report"]


def test_a_resume_that_would_be_refused_is_not_offered(spine, orders, place):
    spine("run", orders, "--run-id", "r1")
    execute(place, "UPDATE core_workflow_checkpoints SET context_snapshot = '{}' WHERE step_name = 'extract'")
    execute(place, "DELETE FROM core_workflow_checkpoints WHERE step_name = 'check'")

    shown, told, listed = (
        spine("runs", "show", "r1"),
        spine("runs", "show", "r1", "--json"),
        spine("checkpoints", "list", "r1"),
    )

    assert "Start from that step, or an earlier one, to replace it." in shown.err
    assert "goes on at" not in shown.out
    assert (told.json["next_step"], told.json["resume_command"]) == (None, None)
    assert "a resume goes on" not in listed.err
    assert spine("resume", "r1", "--app", orders, "--start-from", "extract").code == 1  # its target is out of reach
    assert spine("checkpoints", "show", "r1").code == 0


def test_the_log_holds_the_events_of_runs_and_nothing_of_connections(spine, orders):
    said = spine("--verbose", "run", orders).err

    assert "run.started" in said
    assert "onnection <" not in said
    assert "Pool" not in said


def test_the_id_of_a_run_whose_snapshot_is_damaged_exists_all_the_same(spine, orders, place):
    spine("run", orders, "--run-id", "r1")
    execute(place, "UPDATE core_workflow_checkpoints SET context_snapshot = '{' WHERE step_name = 'check'")

    said = spine("run", orders, "--run-id", "r1")

    assert said.code == 4
    assert "run 'r1' exists and has failed" in said.err


def test_a_run_whose_own_row_is_damaged_can_be_cancelled(spine, orders, place):
    spine("run", orders, "--run-id", "r1")
    execute(place, "UPDATE core_workflow_runs SET resume_point = '[]'")

    said = spine("runs", "cancel", "r1")

    assert (said.code, said.out) == (0, "run r1 of orders is cancelled\n")


@pytest.mark.parametrize("damaged", ["runs SET overrides", "definitions SET definition"])
def test_the_checkpoints_of_a_run_whose_own_row_is_damaged_can_be_deleted(spine, orders, place, damaged):
    spine("run", orders, "--run-id", "r1")
    execute(place, f"UPDATE core_workflow_{damaged} = '{{'")

    said = spine("checkpoints", "delete", "r1")

    assert (said.code, said.out) == (0, "deleted 2 checkpoints of run r1; it cannot be resumed any more\n")


def test_a_run_that_cannot_be_read_at_all_is_cancelled_and_that_is_told(spine, orders, place):
    spine("run", orders, "--run-id", "r1")
    execute(place, "UPDATE core_workflow_definitions SET definition = '{'")

    said = spine("runs", "cancel", "r1")

    assert (said.code, "run 'r1' is cancelled, and run 'r1' is damaged" in said.err) == (1, True)
    execute(place, """UPDATE core_workflow_definitions SET definition = '{"steps": []}'""")
    assert spine("runs", "list", "--json").json[0]["status"] == "cancelled"


def test_there_may_be_more_runs_also_where_one_of_those_listed_is_damaged(spine, orders, place):
    for run_id in ("r1", "r2", "r3"):
        spine("run", orders, "--run-id", run_id)
    execute(place, "UPDATE core_workflow_definitions SET definition = '{' WHERE run_id = 'r3'")

    assert (
        "these are the newest 2; if there are older ones, --limit shows more"
        in spine("runs", "list", "--limit", "2").err
    )


def test_a_dry_run_of_a_completed_run_whose_checkpoint_is_damaged_does_without_its_params(spine, orders, place):
    spine("run", orders, "--run-id", "r1", "--param", "target=main")
    execute(place, "UPDATE core_workflow_checkpoints SET context_snapshot = '{'")

    told = spine("resume", "r1", "--app", orders, "--dry-run")
    document = spine("resume", "r1", "--app", orders, "--dry-run", "--json").json

    assert (told.code, told.out) == (0, "run r1 of orders has completed already; there is nothing to do\n")
    assert (document["steps"], document["params"]) == ([], None)
