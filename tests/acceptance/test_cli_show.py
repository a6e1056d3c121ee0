"""What the command line shows of runs, checkpoints, retention, workflows and the database."""

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from spine.cli.runs import parse_since
from spine.errors import InvalidSetting
from tests.acceptance.command import ORDERS

COMPLETE = ("--param", "target=main")
FOR_GOOD = "it cannot be resumed any more"
KEY_STEPS = """
from spine.orchestration import Step, Workflow

def step(ctx, config):
    return {}

def load(ctx, config):
    if not ctx.params.get("fixed"):
        raise OSError("disk full")
    return {}

key = Workflow("key", [
    Step.lambda_("fetch", step, checkpoint=True),
    Step.lambda_("convert", step),
    Step.lambda_("keep", step, checkpoint=True),
    Step.lambda_("count", step),
    Step.lambda_("load", load),
])
"""


@pytest.fixture
def orders(place):
    (place / "orders.py").write_text(ORDERS)
    return "orders.py"


@pytest.fixture
def key_steps(place):
    (place / "key.py").write_text(KEY_STEPS)
    return "key.py"


def cells(text):
    """The rows of a plain table, heading left out."""
    return [line.split() for line in text.splitlines()[1:]]


def execute(place, statement, *values):
    with closing(sqlite3.connect(place / "spine.db")) as connection, connection:
        connection.execute(statement, values)


def test_runs_are_listed_oldest_first_with_what_a_person_looks_for(spine, orders):
    spine("run", orders, "--run-id", "done", *COMPLETE)
    spine("run", orders, "--run-id", "broken")

    said = spine("runs", "list")

    assert said.out.splitlines()[0].split()[:5] == ["RUN", "WORKFLOW", "STATE", "STEP", "STARTED"]
    first, second = cells(said.out)
    assert first[:3] == ["done", "orders", "completed"]
    assert second[:4] == ["broken", "orders", "failed", "load"]


def test_the_columns_of_a_table_are_aligned_whatever_the_width_of_the_letters(spine, place):
    (place / "wide.py").write_text(ORDERS.replace('    "orders",', '    "注文の処理",'))
    spine("run", "wide.py", "--run-id", "r1")
    spine("run", "wide.py", "--run-id", "a longer id")

    heading, *rows = spine("runs", "list").out.splitlines()

    place_of_state = heading.index("STATE")
    assert all(row.index("failed") == place_of_state - len("注文の処理") for row in rows)


def test_an_empty_list_is_empty_on_stdout_and_json_says_so_too(spine, place):
    spine("db", "upgrade")

    said = spine("runs", "list")

    assert (said.out, said.err) == ("", f"spine: no runs in sqlite:///{place / 'spine.db'}\n")
    assert spine("runs", "list", "--json").json == []


def test_runs_are_filtered_by_status_workflow_age_and_number(spine, orders, key_steps, place):
    for run_id in ("r1", "r2", "r3"):
        spine("run", orders, "--run-id", run_id, *(COMPLETE if run_id == "r2" else ()))
    spine("run", key_steps, "--run-id", "r4")
    execute(place, "UPDATE core_workflow_runs SET created_at = '2020-01-01 00:00:00.000000' WHERE run_id = 'r1'")

    def listed(*filters):
        return [run["run_id"] for run in spine("runs", "list", "--json", *filters).json]

    assert listed() == ["r1", "r2", "r3", "r4"]
    assert listed("--status", "failed") == ["r1", "r3", "r4"]
    assert listed("--workflow", "key") == ["r4"]
    assert listed("--since", "1d") == ["r2", "r3", "r4"]
    assert listed("--since", "2020-01-02") == ["r2", "r3", "r4"]
    assert listed("--limit", "2") == ["r3", "r4"]
    assert "newest 2" in spine("runs", "list", "--limit", "2").err
    assert "newest 2" in spine("runs", "list", "--limit", "2", "--json").err


def test_a_crashed_run_is_listed_as_such_and_resumed(spine, orders, place):
    spine("run", orders, "--run-id", "r1")
    execute(
        place,
        "UPDATE core_workflow_runs SET status = 'running', holder = 'etl@db1/7', error_step = NULL,"
        " acquired_at = '2020-01-01 00:00:00.000000', expires_at = '2020-01-01 00:01:00.000000'",
    )

    listed = spine("runs", "list", "--status", "crashed").out.splitlines()
    assert cells("\n".join(listed))[0][:4] == ["r1", "orders", "crashed", "load"]
    assert len(listed[1]) <= listed[0].index("LASTED")  # nobody knows when it died
    assert "lasted" not in spine("runs", "show", "r1").out
    assert spine("runs", "list", "--status", "completed", "--json").json == []
    assert spine("runs", "show", "r1", "--json").json["resume_command"] == "spine resume r1"
    assert spine("resume", "r1", "--app", orders, *COMPLETE).code == 0


def test_show_tells_what_a_person_needs_at_three_in_the_morning(spine, orders):
    spine("run", orders, "--run-id", "r1", "--param", "limit=0.1", "--partition", "date=2013-01-17")

    said = spine("runs", "show", "r1")
    facts = [line.split("  ", 1) for line in said.out.partition("\n\n")[0].splitlines()]
    steps = cells(said.out.split("\n\n")[1])

    told = {name: value.strip() for name, value in facts}
    assert told["goes on at"] == "load"
    assert told["run"] == "r1"
    assert told["state"] == "failed"
    assert told["failed at"] == "load"
    assert told["error"] == "ConnectionError: the target is out of reach (transient)"
    assert told["param limit"] == "0.1"
    assert told["partition date"] == '"2013-01-17"'
    assert told["defined in"].endswith("orders.py:12")
    assert [(step[0], step[2]) for step in steps] == [
        ("extract", "done"),
        ("check", "skipped"),
        ("load", "failed"),
        ("report", "to"),
    ]
    assert "run.failed" in said.out
    assert said.out.endswith("\nresume it with: spine resume r1\n")


def test_show_gives_the_same_to_machines(spine, orders):
    spine("run", orders, "--run-id", "r1")

    said = spine("runs", "show", "r1", "--json", "--app", orders).json

    assert said["status"] == said["state"] == "failed"
    assert said["next_step"] == "load"
    assert said["resume_command"] == "spine resume r1 --app orders.py"
    assert [(step["name"], step["state"], step["has_checkpoint"]) for step in said["steps"]] == [
        ("extract", "done", True),
        ("check", "skipped", True),
        ("load", "failed", False),
        ("report", "to do", False),
    ]
    assert [event["kind"] for event in said["events"]] == ["run.created", "run.started", "run.failed"]
    assert datetime.fromisoformat(said["created_at"]).tzinfo == UTC


def test_show_of_a_completed_run_has_no_resume_command(spine, orders):
    spine("run", orders, "--run-id", "r1", *COMPLETE)

    assert "resume" not in spine("runs", "show", "r1").out
    assert spine("runs", "show", "r1", "--json").json["resume_command"] is None


def test_steps_without_checkpoints_are_said_to_run_again(spine, key_steps):
    spine("run", key_steps, "--run-id", "r1")

    shown = spine("runs", "show", "r1", "--json").json
    listed = spine("checkpoints", "list", "r1")
    as_json = spine("checkpoints", "list", "r1", "--json").json
    resumed = spine("resume", "r1", "--app", key_steps, "--param", "fixed=1", "--json").json

    assert {step["name"]: step["state"] for step in shown["steps"]} == {
        "fetch": "done",
        "convert": "done",
        "keep": "done",
        "count": "again",
        "load": "failed",
    }
    assert shown["next_step"] == "count"
    assert [row[:4] for row in cells(listed.out)] == [
        ["1", "fetch", *cells(listed.out)[0][2:4]],
        ["convert", "no", "checkpoint"],
        ["2", "keep", *cells(listed.out)[2][2:4]],
        ["count", "no", "checkpoint:", "runs"],
    ]
    assert "a resume goes on at count" in listed.err
    assert [row["not_checkpointed_before"] for row in as_json] == [[], ["convert"]]
    assert resumed["completed_steps"] == ["count", "load"]


def test_after_start_from_show_says_where_a_resume_goes_on_and_what_was_passed_over(spine, orders):
    spine("run", orders, "--run-id", "r1")
    spine("run", orders, "--run-id", "r1", "--start-from", "check", "--param", "target=")

    said = spine("runs", "show", "r1", "--json").json

    assert said["next_step"] == "load"
    assert {step["name"]: step["state"] for step in said["steps"]} == {
        "extract": "done",
        "check": "skipped",
        "load": "failed",
        "report": "to do",
    }


def test_a_new_run_that_started_in_the_middle_goes_on_there(spine, orders):
    spine("run", orders, "--run-id", "r1", "--start-from", "load")

    said = spine("runs", "show", "r1", "--json").json
    resumed = spine("resume", "r1", "--app", orders, "--json", *COMPLETE).json

    assert said["next_step"] == "load"
    assert [step["state"] for step in said["steps"]] == ["skipped", "skipped", "failed", "to do"]
    assert resumed["error_step"] == "load"  # it has no orders: extract was passed over


def test_cancel_says_what_was_done_and_the_run_can_be_resumed(spine, orders):
    spine("run", orders, "--run-id", "r1")

    said = spine("runs", "cancel", "r1")

    assert said.code == 0
    assert said.out == "run r1 of orders is cancelled\n"
    assert spine("runs", "cancel", "r1").out == "run r1 of orders was cancelled already\n"
    assert spine("runs", "cancel", "r1", "--json").json["status"] == "cancelled"
    assert spine("resume", "r1", "--app", orders, *COMPLETE).code == 0
    assert spine("runs", "cancel", "r1").code == 4
    assert spine("runs", "cancel", "absent").code == 3


def test_a_checkpoint_is_shown_with_its_context(spine, orders):
    spine("run", orders, "--run-id", "r1", "--param", "limit=1", *COMPLETE)

    latest = spine("checkpoints", "show", "r1")
    named = spine("checkpoints", "show", "r1", "extract", "--json").json

    assert '"sum": 200' in latest.out
    assert "step            report" in latest.out
    assert (named["step_name"], named["sequence"], named["next_step"]) == ("extract", 1, "check")
    assert named["context_snapshot"]["outputs"] == {"extract": {"orders": [120, 80]}}
    assert named["context_snapshot"]["params"] == {"limit": 1, "target": "main"}
    assert spine("checkpoints", "show", "r1", "absent").code == 3
    assert spine("checkpoints", "show", "absent").code == 3
    assert spine("checkpoints", "list", "absent").code == 3


def test_checkpoints_are_deleted_without_a_question_and_it_is_said_how_many(spine, orders):
    spine("run", orders, "--run-id", "r1", *COMPLETE)
    spine("run", orders, "--run-id", "r2", *COMPLETE)

    said = spine("checkpoints", "delete", "r1")

    assert (said.code, said.out) == (0, f"deleted 4 checkpoints of run r1, which has completed; {FOR_GOOD}\n")
    assert spine("checkpoints", "delete", "r2", "--json").json == {"run_id": "r2", "deleted": 4, "state": "completed"}
    assert spine("checkpoints", "list", "r1", "--json").json == []
    assert "run r1 has no checkpoints any more: deleted on 2" in spine("checkpoints", "list", "r1").err
    assert "deleted on " in spine("runs", "show", "r1").out


def test_deleting_the_checkpoints_of_a_crashed_run_says_that_it_is_cancelled(spine, orders, place):
    spine("run", orders, "--run-id", "r1")
    execute(place, "UPDATE core_workflow_runs SET status = 'running'")

    said = spine("checkpoints", "delete", "r1", "--reason", "wrong data")

    assert said.out == f"deleted 2 checkpoints of run r1, which is cancelled; {FOR_GOOD}\n"
    assert re.search(r"run\.cancelled +.*wrong data", spine("runs", "show", "r1").out)


def test_a_run_that_left_no_checkpoint_yet_says_where_it_goes_on(spine, place):
    (place / "key.py").write_text(KEY_STEPS.replace("return {}", "raise OSError"))
    spine("run", "key.py", "--run-id", "r1")

    assert spine("checkpoints", "list", "r1").err == "spine: run r1 has no checkpoints; a resume goes on at fetch\n"


def test_a_completed_run_says_how_long_the_attempt_took(spine, orders):
    said = spine("run", orders, "--param", "target=x")

    (elapsed,) = re.findall(r" completed after (.*)\n$", said.err)
    assert said.out.endswith(f", in {elapsed}\n")


def test_what_the_last_attempt_was_given_is_shown_before_a_checkpoint_carries_it(spine, orders):
    spine("run", orders, "--run-id", "r1", "--param", "target=", "--param", "day=1")
    spine("resume", "r1", "--app", orders, "--param", "target=0", "--param", "new=true")

    said, told = spine("runs", "show", "r1"), spine("runs", "show", "r1", "--json").json

    shown = " ".join(said.out.split())
    assert "param day 1 param" in shown
    assert "param target 0 (given to the last drive, in no checkpoint yet)" in shown
    assert "param new true (given to the last drive, in no checkpoint yet)" in shown
    assert (told["params"], told["pending_params"]) == (
        {"target": 0, "day": 1, "new": True},
        {"target": 0, "new": True},
    )


def test_retention_says_what_would_go_and_takes_it(spine, orders, place, monkeypatch):
    for run_id in ("old", "young", "broken"):
        spine("run", orders, "--run-id", run_id, *(() if run_id == "broken" else COMPLETE))
    ages = "UPDATE core_workflow_runs SET finished_at = '2020-01-01 00:00:00.000000', updated_at = finished_at"
    execute(place, f"{ages} WHERE run_id IN ('old', 'broken')")
    execute(place, "UPDATE core_workflow_runs SET updated_at = '2020-01-01 00:00:00.000000' WHERE run_id = 'broken'")

    dry = spine("retention", "run", "--days", "7", "--failed-days", "30000", "--dry-run")
    unset = spine("retention", "show")
    monkeypatch.setenv("SPINE_CHECKPOINT_RETENTION_DAYS", "7.5")
    shown = spine("retention", "show")
    shown_json = spine("retention", "show", "--json").json
    taken = spine("retention", "run", "--days", "7", "--failed-days", "30000")
    rest = spine("retention", "run", "--json")

    assert dry.out == "would remove 4 checkpoints of 1 run\n  old\n"
    assert "no retention is set" in unset.out
    assert "7.5 days after they ended" in shown.out
    assert shown_json["checkpoint_retention_days"] == 7.5
    assert sorted(shown_json["would_remove"]["runs"]) == ["broken", "old"]
    assert taken.out == "removed 4 checkpoints of 1 run\n"
    assert rest.json == {"runs": ["broken"], "checkpoints": 2, "dry_run": False}
    assert spine("resume", "broken", "--app", orders).code == 4


def test_workflows_are_listed_from_all_that_app_names(spine, orders, key_steps):
    said = spine("workflows", "list", "--app", "orders.py, key.py")
    as_json = spine("workflows", "list", "--app", "orders.py,key.py", "--json").json

    assert [row[0] for row in cells(said.out)] == ["key", "orders"]
    assert [workflow["name"] for workflow in as_json] == ["key", "orders"]
    assert as_json[1]["steps"][0] == {"name": "extract", "kind": "lambda"}


NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("7d", NOW - timedelta(days=7)),
        ("12h", NOW - timedelta(hours=12)),
        ("30m", NOW - timedelta(minutes=30)),
        ("45s", NOW - timedelta(seconds=45)),
        ("2w", NOW - timedelta(weeks=2)),
        ("2026-01-09", datetime(2026, 1, 9, tzinfo=UTC)),
        ("2026-01-09T06:30", datetime(2026, 1, 9, 6, 30, tzinfo=UTC)),
        ("2026-01-09 06:30:00", datetime(2026, 1, 9, 6, 30, tzinfo=UTC)),
        ("2026-01-09T06:30+02:00", datetime(2026, 1, 9, 4, 30, tzinfo=UTC)),
        ("2026-01-09T06:30Z", datetime(2026, 1, 9, 6, 30, tzinfo=UTC)),
    ],
)
def test_since_takes_iso_times_and_ages(text, moment):
    assert parse_since(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "d", "7", "7 days", "-7d", "7y", "tomorrow", "2026-13-01", "\u0667d"])
def test_since_refuses_what_it_does_not_understand(text):
    with pytest.raises(InvalidSetting, match="--since takes a time"):
        parse_since(text, NOW)
