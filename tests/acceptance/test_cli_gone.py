"""What the command line says of a run whose checkpoints, or whose step, are gone."""

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


def test_a_run_that_was_cancelled_and_deleted_while_it_was_driven_is_told_without_a_way_on(spine, place):
    (place / "gone.py").write_text(DELETED_MEANWHILE)

    said = spine("run", "gone.py", "--run-id", "r1")
    told = spine("run", "gone.py", "--run-id", "r2", "--json").json

    assert (said.code, "resume" in said.all) == (1, False)
    assert said.out == "run r1 of gone is cancelled\n"
    assert (told["status"], told["resume_command"]) == ("cancelled", None)


def test_a_resume_says_that_the_step_at_which_the_run_stood_is_gone(spine, paid):
    said = spine("resume", "r1", "--app", "charge.py")

    assert said.code == 0
    assert "step 'pay', at which the run stood, is gone; if it has a new name, say so: --renamed pay=NEW" in said.err


@pytest.mark.parametrize("told", [("--renamed", "pay=charge"), ("-q",)])
def test_a_resume_that_was_told_or_is_to_be_quiet_does_not(spine, paid, told):
    said = spine("resume", "r1", "--app", "charge.py", *told)

    assert (said.code, "is gone" in said.err) == (0, False)


def test_recover_leaves_such_a_run_to_a_person(spine, place, paid):
    with closing(sqlite3.connect(place / "spine.db", isolation_level=None)) as connection:
        connection.execute("UPDATE core_workflow_runs SET status = 'running'")

    said = spine("recover", "--app", "charge.py")

    assert said.code == 1
    assert "was not recovered: run 'r1' stood at step 'pay', which workflow 'pay' no longer has" in said.out
    assert spine("resume", "r1", "--app", "charge.py", "--renamed", "pay=charge").code == 0
