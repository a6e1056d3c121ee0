"""Where `spine runs show` says that a run goes on, and where it does."""

import sqlite3
from contextlib import closing

import pytest

FLOW = """
from spine.orchestration import Step, StepResult, Workflow

def done(ctx, config):
    return {{}}

def fail(ctx, config):
    raise OSError("disk full")

def skip(ctx, config):
    return StepResult.skip("nothing to do")

flow = Workflow("flow", [{steps}])
"""
HOW = {"!": "fail", "?": "skip"}
CRASHED = (
    "UPDATE core_workflow_runs SET status = 'running', holder = 'etl@db1/7', error_step = NULL,"
    " acquired_at = '2020-01-01 00:00:00.000000', expires_at = '2020-01-01 00:01:00.000000'"
)


@pytest.fixture
def flow(place):
    """Write a workflow, a letter a step: `!` after one that fails, `?` after one to skip, `*` for a checkpoint."""

    def write(steps):
        written = [
            f"Step.lambda_({step[0]!r}, {HOW.get(step[-1], 'done')}{', checkpoint=True' if '*' in step else ''})"
            for step in steps.split()
        ]
        name = f"flow{len(list(place.glob('flow*.py')))}.py"
        (place / name).write_text(FLOW.format(steps=", ".join(written)))
        return name

    return write


def shown(spine):
    document = spine("runs", "show", "r1", "--json").json
    return document, "".join(step["name"] + step["state"][0] for step in document["steps"])


@pytest.mark.parametrize(
    ("first", "then", "goes_on_at", "states"),
    [
        ("a b! c", [], "b", "adbfct"),
        ("a b? c! d", [], "c", "adbscfdt"),
        ("a* b c* d e!", [], "d", "adbdcddaef"),
        ("a b! c", [("a x! b c",)], "x", "adxfbmct"),
        ("a b! c", [("a x! b c",), ("a y! x b c",)], "y", "adyfxmbmct"),
        ("a b! c", [("a c! d",)], "c", "adcfdt"),
        ("a* b c! d", [("a* x b! c d",)], "x", "adxabfcmdt"),
        ("a b c!", [("a b! c", "--start-from", "b")], "b", "adbfcm"),
        ("a b! c d", [("a b c! d", "--start-from", "c")], "c", "adbscfdt"),
        ("a b! c d", [("a b c! d", "--start-from", "c"), ("a b c d!",)], "d", "adbscddf"),
        ("a b c!", [("a b! c", "--start-from", "b"), ("a b! c",)], "b", "adbfcm"),
        ("a b! c", [("x b! c", "--renamed", "a=x")], "b", "xdbfct"),
        ("a b! c d", [("a b c! d", "--start-from", "c"), ("a y c! d", "--renamed", "b=y")], "c", "adyscfdt"),
    ],
    ids=[
        "failed",
        "a skipped step",
        "checkpoints after some steps",
        "a step put in",
        "a step put in twice",
        "a step taken out",
        "a step put in where steps have no checkpoint",
        "told to go back",
        "told to pass over",
        "told to pass over and gone on",
        "told to go back, and tried again",
        "renamed",
        "a step that was passed over renamed",
    ],
)
def test_show_says_where_the_next_resume_goes_on(spine, flow, first, then, goes_on_at, states):
    last = flow(first)
    spine("run", last, "--run-id", "r1")
    for steps, *more in then:
        last = flow(steps)
        spine("resume", "r1", "--app", last, *more)

    before, told = shown(spine)
    listed = spine("checkpoints", "list", "r1").err
    spine("resume", "r1", "--app", last)
    resumed = shown(spine)[0]["events"][-2]

    assert (before["next_step"], told) == (goes_on_at, states)
    assert f"a resume goes on at {goes_on_at}" in listed
    assert (resumed["kind"], resumed["details"]["from_step"]) == ("run.resumed", goes_on_at)


def test_a_run_of_a_repaired_workflow_that_crashed_goes_on_at_the_step_it_died_in(spine, flow, place):
    repaired = flow("a x! b c")
    spine("run", flow("a b! c"), "--run-id", "r1")
    spine("resume", "r1", "--app", repaired)
    with closing(sqlite3.connect(place / "spine.db")) as connection, connection:
        connection.execute(CRASHED)

    before, states = shown(spine)
    spine("resume", "r1", "--app", repaired)

    assert (before["state"], before["next_step"], states) == ("crashed", "x", "adxnbmct")
    assert shown(spine)[0]["events"][-2]["details"]["from_step"] == "x"


def test_a_run_that_completed_after_a_repair_goes_on_nowhere(spine, flow):
    spine("run", flow("a b! c"), "--run-id", "r1")
    spine("resume", "r1", "--app", flow("a x b? c"))

    document, states = shown(spine)

    assert (document["next_step"], document["resume_command"], states) == (None, None, "adxdbscd")


@pytest.mark.parametrize(
    "damage",
    [
        "step_name = 'z', context_snapshot = json_set(context_snapshot, '$.step_name', 'z')",
        "metadata = '5'",
    ],
    ids=["a checkpoint of a step that the run has not", "metadata that are none"],
)
def test_a_run_whose_checkpoints_lead_nowhere_is_offered_no_resume(spine, flow, place, damage):
    app = flow("a b! c")
    spine("run", app, "--run-id", "r1")
    with closing(sqlite3.connect(place / "spine.db")) as connection, connection:
        connection.execute(f"UPDATE core_workflow_checkpoints SET {damage}")

    said, listed = spine("runs", "show", "r1", "--json"), spine("checkpoints", "list", "r1")

    assert (said.code, said.json["next_step"], said.json["resume_command"]) == (1, None, None)
    assert "run 'r1'" in said.err
    assert "a resume goes on" not in listed.err
    assert spine("resume", "r1", "--app", app).code == 1
