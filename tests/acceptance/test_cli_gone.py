"""What the command line says of a run whose checkpoints, or whose step, are gone."""

import re
import sqlite3
from contextlib import closing

import pytest

from tests.acceptance.command import ORDERS

DELETED_MEANWHILE = """
from spine.orchestration import Step, Workflow, WorkflowRunner

def delete(ctx, config):
    with WorkflowRunner() as runner:
        runner.cancel(ctx.run_id)
        runner.delete_checkpoints(ctx.run_id)
    return {}

gone = Workflow("gone", [Step.lambda_("delete", delete), Step.lambda_("after", delete)])
"""
PAY = """
from spine.orchestration import Step, Workflow

def pay(ctx, config):
    if not ctx.is_resumed:
        raise OSError("down")
    return {}

pay = Workflow("pay", [Step.lambda_("fetch", lambda ctx, config: {}), Step.lambda_("pay", pay)])
"""


@pytest.fixture
def paid(spine, place):
    """A run that failed at `pay`, a step that is called `charge` now."""
    (place / "pay.py").write_text(PAY)
    spine("run", "pay.py", "--run-id", "r1")
    (place / "charge.py").write_text(PAY.replace('lambda_("pay"', 'lambda_("charge"'))


def test_steps_of_a_completed_run_are_not_called_done_where_nobody_knows_it(spine, place):
    (place / "orders.py").write_text(ORDERS)
    spine("run", "orders.py", "--run-id", "r1", "--param", "target=main")

    spine("checkpoints", "delete", "r1")

    steps = spine("runs", "show", "r1", "--json").json["steps"]
    assert {step["state"] for step in steps} == {"done or skipped"}


def test_what_was_skipped_before_is_told_when_a_run_goes_on(spine, place):
    (place / "orders.py").write_text(ORDERS)
    spine("run", "orders.py", "--run-id", "r1")

    said = spine("resume", "r1", "--app", "orders.py", "--param", "target=main")

    assert " resumed at step 3 of 4, load; skipped: check\n" in said.err


def test_a_run_that_was_cancelled_and_deleted_while_it_was_driven_is_told_without_a_way_on(spine, place):
    (place / "gone.py").write_text(DELETED_MEANWHILE)

    said = spine("run", "gone.py", "--run-id", "r1")
    told = spine("run", "gone.py", "--run-id", "r2", "--json").json

    assert (said.code, "resume" in said.all) == (1, False)
    assert said.out == "run r1 of gone is cancelled\n"
    assert (told["status"], told["resume_command"]) == ("cancelled", None)


def test_a_resume_and_what_is_shown_before_it_say_that_the_step_at_which_the_run_stood_is_gone(spine, paid):
    shown = spine("runs", "show", "r1", "--app", "charge.py")
    said = spine("resume", "r1", "--app", "charge.py", "-q")

    assert (shown.code, said.code) == (0, 0)
    for told in (shown.err, said.err):
        assert "the run may have begun 'pay', which the workflow no longer has" in told
        assert "If there are only new names, add --renamed pay=NEW" in told


def test_a_resume_that_was_told_the_new_name_does_not(spine, paid):
    said = spine("resume", "r1", "--app", "charge.py", "--renamed", "pay=charge")

    assert (said.code, "no longer has" in said.err) == (0, False)


def test_a_resume_that_was_told_one_new_name_tells_of_the_others(spine, place):
    (place / "then.py").write_text(workflow_of(["a", "b", "c", "d*"], fails="c"))
    spine("run", "then.py", "--run-id", "r1")
    (place / "now.py").write_text(workflow_of(["a", "B", "C", "d*"]))

    said = spine("resume", "r1", "--app", "now.py", "--renamed", "b=B")

    assert said.code == 0
    assert "the run may have begun 'c', which the workflow no longer has" in said.err


def test_a_resume_that_is_refused_tells_of_no_step_that_would_be_taken_as_new(spine, place):
    (place / "then.py").write_text(workflow_of(["a", "b", "c"], fails="b"))
    spine("run", "then.py", "--run-id", "r1")
    (place / "now.py").write_text(workflow_of(["x", "y", "c"]))

    said = spine("resume", "r1", "--app", "now.py")

    assert (said.code, "no longer has" in said.err) == (4, False)


def test_a_resume_says_who_cancelled_the_run_and_why(spine, place):
    (place / "pay.py").write_text(PAY)
    spine("run", "pay.py", "--run-id", "r1")
    spine("runs", "cancel", "r1", "--reason", "paid by hand")
    spine("checkpoints", "delete", "r1", "--reason", "cleaned")

    said = spine("resume", "r1", "--app", "pay.py")

    assert re.search(r"the run was cancelled by \S+ on .* UTC: paid by hand", said.err)


@pytest.mark.parametrize(
    ("steps", "now"),
    [
        (["fetch", "pay"], ["fetch", "charge"]),
        (["fetch*", "clean", "pay"], ["fetch*", "clean", "charge"]),
        (["fetch*", "clean", "pay*", "tell"], ["fetch*", "clean", "charge*", "tell"]),
    ],
)
def test_recover_leaves_such_a_run_to_a_person(spine, place, steps, now):
    crash_in(place, spine, "pay", steps)
    (place / "now.py").write_text(workflow_of(now))

    said = spine("recover", "--app", "now.py")

    assert said.code == 1
    assert "was not recovered: run 'r1' may have begun 'pay', which workflow 'pay' no longer has" in said.out
    assert spine("resume", "r1", "--app", "now.py", "--renamed", "pay=charge").code == 0


@pytest.mark.parametrize(
    ("steps", "now", "settings"),
    [
        (["fetch*", "clean", "pay", "tell"], ["fetch*", "clean*", "charge", "tell"], {}),
        (["fetch*", "clean", "pay", "tell"], ["fetch", "clean", "charge", "tell"], {}),
        (["fetch*", "clean", "pay", "tell"], ["fetch*", "clean", "charge", "tell"], {"STRATEGY": "every_step"}),
    ],
    ids=["a mark more", "a mark less", "another strategy"],
)
def test_it_does_so_too_where_the_marks_have_changed_since(spine, place, monkeypatch, steps, now, settings):
    crash_in(place, spine, "pay", steps)
    (place / "now.py").write_text(workflow_of(now))
    for name, value in settings.items():
        monkeypatch.setenv(f"SPINE_CHECKPOINT_{name}", value)

    said = spine("recover", "--app", "now.py")
    shown = spine("runs", "show", "r1", "--app", "now.py")

    assert said.code == 1
    assert "run 'r1' may have begun 'pay', which workflow 'pay' no longer has" in said.out
    assert "(spine resume --app now.py r1 --renamed pay=NEW)" in said.out
    assert "the run may have begun 'pay', which the workflow no longer has" in shown.err


def test_it_does_so_too_where_no_drive_has_noted_which_steps_leave_checkpoints(spine, place):
    crash_in(place, spine, "pay", ["fetch*", "clean", "pay", "tell"])
    with closing(sqlite3.connect(place / "spine.db", isolation_level=None)) as connection:
        connection.execute("UPDATE core_workflow_definitions SET definition = json_remove(definition, '$.unsaved')")
    (place / "now.py").write_text(workflow_of(["fetch*", "clean", "charge", "tell"]))

    assert (
        "run 'r1' may have begun 'pay', which workflow 'pay' no longer has" in spine("recover", "--app", "now.py").out
    )
    assert [step["state"] for step in spine("runs", "show", "r1", "--json").json["steps"]][2:] == ["may have run"] * 2


@pytest.mark.parametrize(
    ("steps", "now"),
    [
        (["fetch", "pay", "tell"], ["fetch", "pay", "report"]),
        (["fetch*", "clean", "pay*", "tell"], ["fetch*", "clean", "pay*", "report"]),
        (["fetch*", "clean", "pay*", "tell"], ["fetch*", "new", "clean", "pay*"]),
    ],
)
def test_recover_minds_no_step_that_the_run_cannot_have_begun(spine, place, steps, now):
    crash_in(place, spine, "pay", steps)
    (place / "now.py").write_text(workflow_of(now))

    assert spine("recover", "--app", "now.py").code == 0


def test_which_steps_may_have_run_since_the_last_checkpoint_is_told(spine, place):
    crash_in(place, spine, "pay", ["fetch*", "clean", "pay", "tell*", "end"])

    crashed = spine("runs", "show", "r1", "--json").json
    listed = spine("runs", "list").out
    spine("runs", "cancel", "r1")
    cancelled = spine("runs", "show", "r1").out

    states = [step["state"] for step in crashed["steps"]]
    assert states == ["done", "next", "may have run", "may have run", "to do"]
    assert re.search(r"r1 .* crashed +clean or later ", listed)
    assert re.search(r"pay +lambda +may have run", cancelled)
    assert "may have run: nobody knows how far the run came after its newest checkpoint" in cancelled


def test_while_a_run_is_driven_no_step_is_said_to_run_that_may_be_over(spine, place):
    crash_in(place, spine, "pay", ["fetch*", "clean", "pay", "tell*", "end"])
    with closing(sqlite3.connect(place / "spine.db", isolation_level=None)) as connection:
        connection.execute(
            "UPDATE core_workflow_runs SET holder = 'etl@db1/7', expires_at = '2999-01-01 00:00:00.000000'"
        )

    document = spine("runs", "show", "r1", "--json").json

    assert [step["state"] for step in document["steps"]] == ["done", *["may have run"] * 3, "to do"]


def test_a_step_that_runs_is_said_to_run_also_where_later_ones_had_begun_before(spine, place):
    crash_in(place, spine, "pay", ["fetch", "pay", "tell", "end"])
    with closing(sqlite3.connect(place / "spine.db", isolation_level=None)) as connection:
        connection.execute(
            "UPDATE core_workflow_runs SET holder = 'etl@db1/7', expires_at = '2999-01-01 00:00:00.000000'"
        )
        connection.execute(
            "UPDATE core_workflow_definitions SET definition = json_set(definition, '$.begun', json('[\"end\"]'))"
        )

    document, listed = spine("runs", "show", "r1", "--json").json, spine("runs", "list").out

    assert [step["state"] for step in document["steps"]] == ["done", "running", "to do", "may have run"]
    assert re.search(r"r1 .* running +pay +", listed)


def test_a_resume_says_which_steps_run_again_and_what_is_removed(spine, place):
    (place / "then.py").write_text(workflow_of(["fetch*", "clean", "pay", "tell*"], fails="pay"))
    (place / "now.py").write_text(workflow_of(["clean", "pay", "tell*"]))
    spine("run", "then.py", "--run-id", "r1")

    again = spine("resume", "r1", "--app", "then.py")
    quiet = spine("resume", "r1", "--app", "then.py", "-q")
    refused = spine("resume", "r1", "--app", "now.py")
    left_out = spine("resume", "r1", "--app", "now.py", "--start-from", "clean", "-q")

    assert "'clean', 'pay' have no checkpoint: those that ran before run again\n" in again.err
    assert "have no checkpoint" not in quiet.err
    assert refused.code == 4
    assert refused.err.endswith("(spine resume --app now.py r1 --start-from clean), which removes what fetch gave.\n")
    assert left_out.code == 0
    assert left_out.err == "spine: what 'fetch' gave, outputs and params, is removed with the checkpoint\n"


def test_a_dry_run_tells_what_a_resume_would_do_and_does_nothing(spine, place):
    (place / "then.py").write_text(workflow_of(["a", "b", "c", "d"], fails="c"))
    spine("run", "then.py", "--run-id", "r1", "--param", "limit=1")
    before = spine("runs", "show", "r1", "--json").json

    asked = ("resume", "r1", "--app", "then.py", "--param", "limit=2", "--start-from", "b", "--dry-run")
    told, document = spine(*asked), spine(*asked, "--json").json
    refused = spine("resume", "r1", "--app", "then.py", "--start-from", "z", "--dry-run")

    assert told.code == 0
    assert told.out.splitlines() == [
        "run r1 of pay would go on at b; nothing was run",
        "runs                    b, c, d",
        "removes checkpoints of  b",
        "param limit             2",
    ]
    assert document["steps"] == ["b", "c", "d"]
    assert (document["removed_checkpoints"], document["params"]) == (["b"], {"limit": 2})
    assert (refused.code, refused.out) == (3, "")
    assert spine("runs", "show", "r1", "--json").json == before


def test_a_dry_run_of_a_completed_run_is_no_error_as_its_resume_is_none(spine, place):
    (place / "flow.py").write_text(workflow_of(["a"]))
    spine("run", "flow.py", "--run-id", "r1", "--param", "limit=1")

    told = spine("resume", "r1", "--app", "flow.py", "--dry-run")
    with_params = spine("resume", "r1", "--app", "flow.py", "--dry-run", "--param", "x=1")

    assert (told.code, told.out) == (0, "run r1 of pay has completed already; there is nothing to do\n")
    assert spine("resume", "r1", "--app", "flow.py", "--dry-run", "--json").json == {
        "run_id": "r1",
        "workflow_name": "pay",
        "steps": [],
        "passed_over": [],
        "removed_checkpoints": [],
        "begun": [],
        "steps_gone": [],
        "params": {"limit": 1},
    }
    assert (with_params.code, with_params.err) == (4, spine("resume", "r1", "--app", "flow.py", "--param", "x=1").err)


def test_a_dry_run_refuses_a_reason_as_the_resume_does(spine, place):
    (place / "then.py").write_text(workflow_of(["a", "b"], fails="b"))
    spine("run", "then.py", "--run-id", "r1")

    assert spine("resume", "r1", "--app", "then.py", "--dry-run", "--reason", "x" * 1001).code == 2


def workflow_of(steps: list[str], *, fails: str = "") -> str:
    """Write a workflow of these steps, those with a star being marked."""
    listed = ", ".join(
        f"Step.lambda_({name!r}, {'fail' if name == fails else 'go'}, checkpoint={True if star else None})"
        for name, star, _ in (step.partition("*") for step in steps)
    )
    return (
        "from spine.orchestration import Step, Workflow\n"
        "def go(ctx, config): return {}\n"
        "def fail(ctx, config): raise OSError\n"
        f"flow = Workflow('pay', [{listed}])\n"
    )


def crash_in(place, spine, step: str, steps: list[str]) -> None:
    """Leave a run whose driver died in this step: the row knows no more than the newest checkpoint."""
    (place / "then.py").write_text(workflow_of(steps, fails=step))
    spine("run", "then.py", "--run-id", "r1")
    with closing(sqlite3.connect(place / "spine.db", isolation_level=None)) as connection:
        connection.execute(
            "UPDATE core_workflow_runs SET status = 'running', error_step = NULL, current_step = "
            "coalesce((SELECT next_step FROM core_workflow_checkpoints ORDER BY sequence DESC LIMIT 1), current_step)"
        )
