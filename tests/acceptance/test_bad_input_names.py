"""Names, ids and shapes: just text, or refused before anything runs; the same everywhere."""

import os
import threading

import pytest

from spine.orchestration import (
    InvalidInput,
    InvalidName,
    InvalidSetting,
    InvalidWorkflow,
    RunNotFound,
    Step,
    StepNotFound,
    StepResult,
    Workflow,
    WorkflowRunner,
)

JUST_TEXT = [
    "a",
    "A",
    "a b",
    "é" * 36,
    "😀",
    "../../etc/passwd",
    "'; DROP TABLE core_workflow_runs; --",
    "<script>alert(1)</script>",
    "%s %(x)s {x} $1 ?",
    "-x",
    "NULL",
    "$order",
]
BAD = ["", " ", "a ", " a", "a\n", "a\0", "\x1b[0m", "\ud800", "\u202e", 5, None, b"a", ["a"], True]


def test_names_are_just_text(runner):  # INV-53
    workflows = [
        Workflow(name, [Step.lambda_(step, lambda ctx, config: {ctx.step_name: 1}) for step in JUST_TEXT])
        for name in JUST_TEXT
    ]

    for workflow, run_id in zip(workflows, JUST_TEXT, strict=True):
        result = runner.execute(workflow, run_id=run_id, params={name: name for name in JUST_TEXT})
        assert result.completed_steps == JUST_TEXT
        assert runner.get_run(run_id).workflow_name == workflow.name
        assert list(runner.get_run(run_id).context.outputs) == JUST_TEXT
        assert runner.get_checkpoint(run_id, step=JUST_TEXT[-1]).step_outputs[JUST_TEXT[-1]] == {JUST_TEXT[-1]: 1}
        assert [run.run_id for run in runner.list_runs(workflow=workflow.name)] == [run_id]
    assert sorted(run.run_id for run in runner.list_runs()) == sorted(JUST_TEXT)


def test_ids_are_told_apart_by_case(runner, ran):  # INV-53
    runner.execute(ran.workflow("a"), run_id="Run", params={"n": 1})
    runner.execute(ran.workflow("a"), run_id="run", params={"n": 2})

    assert (runner.get_run("Run").params["n"], runner.get_run("run").params["n"]) == (1, 2)


def test_ids_that_are_none_are_refused_by_every_verb(runner, ran):  # INV-53
    runner.execute(ran.workflow("a"), run_id="1")
    ran.taken()
    for bad in BAD:
        verbs = [runner.get_run, runner.resume, runner.cancel, runner.list_checkpoints, runner.get_checkpoint]
        for verb in (*verbs, runner.delete_checkpoints):
            with pytest.raises(InvalidName, match="a run id must"):
                verb(bad)
        if bad is not None:
            with pytest.raises(InvalidName, match="a run id must"):
                runner.execute(ran.workflow("a"), run_id=bad)
            with pytest.raises(InvalidName, match="a step's name must"):
                runner.get_checkpoint("1", step=bad)
            with pytest.raises(InvalidInput):
                runner.list_runs(workflow=bad)
            with pytest.raises(StepNotFound):
                runner.resume("1", start_from=bad)
        with pytest.raises(InvalidInput):
            runner.purge(7, workflows=[bad])
    with pytest.raises(InvalidName, match="1 to 36 characters, not 37"):
        runner.get_run("x" * 37)
    assert ran.steps == []


def test_ids_that_nobody_has_are_missed(runner):  # INV-53
    for name in JUST_TEXT:
        with pytest.raises(RunNotFound):
            runner.get_run(name)


@pytest.mark.parametrize("wrong", [None, "workflow", 5, Workflow, [], Step.lambda_("a", lambda ctx, config: {})])
def test_only_a_workflow_is_executed(runner, wrong):
    with pytest.raises(InvalidWorkflow, match="only a Workflow"):
        runner.execute(wrong)
    assert runner.list_runs() == []


@pytest.mark.parametrize(
    "ask",
    [
        {"status": "FAILED"},
        {"status": "a\0"},
        {"since": "yesterday"},
        {"since": 5},
        {"limit": 0},
        {"limit": 10**30},
        {"limit": "5"},
        {"workflow": "x" * 101},
    ],
)
def test_a_list_that_means_nothing_is_refused(runner, ask):  # INV-51
    with pytest.raises(InvalidInput):
        runner.list_runs(**ask)


def test_a_purge_of_a_text_is_not_one_of_its_letters(runner, ran):
    runner.execute(ran.workflow("a", name="x"))

    with pytest.raises(InvalidSetting, match="workflows must be a list of names, not a str"):
        runner.purge(1, workflows="xyz")


@pytest.mark.parametrize(
    "returned", [None, [], [1], "text", 5, True, (), {1}, object(), StepResult, StepResult.ok([1]), Step]
)
def test_a_lambda_returns_a_result_or_a_mapping(runner, ran, returned):
    failed = runner.execute(ran.workflow("a", ran.step("b", lambda ctx: returned)))

    assert (failed.status, failed.error_step, failed.error_type) == ("failed", "b", "InvalidResult")
    assert failed.completed_steps == ["a"]


def test_only_a_pipeline_may_return_nothing(runner, registry):
    registry.add_pipeline("nothing", lambda: None)
    registry.add_pipeline("list", lambda: [1])

    assert runner.execute(Workflow("w", [Step.pipeline("a", "nothing")])).status == "completed"
    assert runner.execute(Workflow("w", [Step.pipeline("a", "list")])).error_type == "InvalidResult"


def test_a_reason_that_is_no_text_is_refused_by_every_store(runner, ran):
    ran.broken["a"] = RuntimeError("down")
    run_id = runner.execute(ran.workflow("a"), reason="nightly\nrun").run_id
    ran.taken()
    for bad in ("a\0", "\ud800", 5, "x" * 1001):
        for verb in (runner.resume, runner.cancel, runner.delete_checkpoints):
            with pytest.raises(InvalidName, match="a reason must be text"):
                verb(run_id, reason=bad)
    assert ran.steps == []
    assert runner.get_run(run_id).status == "failed"


def test_a_step_that_changes_the_folder_does_not_move_the_database(database_url, registry, ran, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    before = os.getcwd()  # noqa: PTH109
    try:
        with WorkflowRunner(database_url, registry=registry) as runner:
            move = ran.step("move", lambda ctx: os.chdir(elsewhere) or {})
            result = runner.execute(ran.workflow("a", move, "b"))
    finally:
        os.chdir(before)

    assert result.status == "completed"
    assert list(elsewhere.iterdir()) == []
    with WorkflowRunner(database_url, registry=registry) as runner:
        assert runner.get_run(result.run_id).status == "completed"


def test_a_step_that_leaves_a_thread_behind_changes_nothing(runner, ran):
    kept = {"rows": [1]}
    go, done = threading.Event(), threading.Event()

    def change() -> None:
        go.wait(30)
        kept["rows"].append(2)
        done.set()

    def leave(ctx):
        threading.Thread(target=change, daemon=True).start()
        return kept

    def look(ctx):
        go.set()
        done.wait(30)
        return {"saw": ctx.outputs["leave"]["rows"]}

    result = runner.execute(ran.workflow(ran.step("leave", leave), ran.step("look", look)))

    assert result.context.outputs == {"leave": {"rows": [1]}, "look": {"saw": [1]}}
