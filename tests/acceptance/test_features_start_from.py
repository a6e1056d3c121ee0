"""A run goes on where it is told: forwards, backwards, with another context; and keeps what it was told."""

import pytest

from spine.orchestration import (
    InvalidParams,
    NotResumable,
    RunExists,
    StepNotFound,
    Workflow,
    WorkflowContext,
)

STEPS = ("step1", "step2", "step3", "step4", "step5")


def names(runner, run_id: str) -> list[str]:
    return [checkpoint.step_name for checkpoint in runner.list_checkpoints(run_id)]


@pytest.fixture
def workflow(ran):
    return ran.workflow(*STEPS)


@pytest.fixture
def run_id(runner, ran, workflow) -> str:
    """A run that failed at step3, with `step3` repaired since."""
    ran.broken["step3"] = RuntimeError("down")
    run_id = runner.execute(workflow, params={"x": 1}, run_id="abc-123").run_id
    ran.repair()
    ran.taken()
    return run_id


def test_going_forwards_skips_the_steps_between(runner, ran, workflow, run_id):  # S35
    result = runner.execute(workflow, run_id="abc-123", start_from="step4")

    assert ran.steps == ["step4", "step5"]
    assert result.run_id == "abc-123"
    assert result.status == "completed"
    assert result.skipped_steps == ["step3"]
    assert result.completed_steps == ["step4", "step5"]
    assert result.all_completed_steps == ["step1", "step2", "step4", "step5"]
    assert list(result.context.outputs) == ["step1", "step2", "step4", "step5"]
    assert names(runner, run_id) == ["step1", "step2", "step4", "step5"]
    assert runner.get_checkpoint(run_id, step="step4").metadata["skipped"] == ["step3"]


def test_going_backwards_runs_all_from_there_and_removes_what_was_stale(runner, ran, workflow, run_id):  # S35, S8
    runner.resume(run_id)
    ran.taken()
    ran.broken["step3"] = RuntimeError("down again")

    failed = runner.execute(workflow, run_id=run_id, start_from="step2")

    assert ran.taken() == ["step2", "step3"]
    assert (failed.status, failed.error_step) == ("failed", "step3")
    assert names(runner, run_id) == ["step1", "step2"]
    assert list(failed.context.outputs) == ["step1", "step2"]
    ran.repair()
    assert runner.resume(run_id).completed_steps == ["step3", "step4", "step5"]


def test_stale_checkpoints_are_gone_before_the_step_starts(runner, ran):  # S35
    seen = []
    steps = ["a", ran.step("b", lambda ctx: seen.append(names(runner, ctx.run_id)) or {}), "c"]
    workflow = ran.workflow(*steps)
    run_id = runner.execute(workflow).run_id

    runner.execute(workflow, run_id=run_id, start_from="b")

    assert seen == [["a"], ["a"]]


def test_a_completed_run_can_be_reopened_at_a_step(runner, ran, workflow):  # S35
    run_id = runner.execute(workflow).run_id
    ran.taken()

    result = runner.execute(workflow, run_id=run_id, start_from="step5")

    assert ran.steps == ["step5"]
    assert result.status == "completed"
    assert result.all_completed_steps == [*STEPS]
    assert names(runner, run_id) == [*STEPS]


def test_resume_takes_a_step_to_start_from_too(runner, ran, run_id):  # S35
    assert runner.resume(run_id, start_from="step1").completed_steps == [*STEPS]
    assert ran.steps == [*STEPS]


def test_a_step_named_by_the_operator_runs_though_it_was_skipped_before(runner, ran, workflow, run_id):  # S35
    runner.execute(workflow, run_id=run_id, start_from="step4")
    ran.taken()

    result = runner.execute(workflow, run_id=run_id, start_from="step3")

    assert ran.steps == ["step3", "step4", "step5"]
    assert result.skipped_steps == []
    assert result.all_completed_steps == [*STEPS]


def test_a_new_run_may_start_in_the_middle(runner, ran, workflow):  # S35
    result = runner.execute(workflow, run_id="fresh", start_from="step4")

    assert ran.steps == ["step4", "step5"]
    assert result.skipped_steps == ["step1", "step2", "step3"]
    assert result.status == "completed"


@pytest.mark.parametrize("via", ["execute", "resume"])
def test_a_failure_after_start_from_goes_on_as_it_was_told(runner, ran, workflow, run_id, via):  # S35, S18
    ran.broken["step4"] = RuntimeError("down")
    if via == "execute":
        runner.execute(workflow, {"x": 2}, run_id=run_id, start_from="step4")
    else:
        runner.resume(run_id, {"x": 2}, start_from="step4")
    ran.repair()
    ran.taken()

    result = runner.resume(run_id)

    assert ran.steps == ["step4", "step5"]
    assert result.skipped_steps == ["step3"]
    assert result.context.params == {"x": 2}


def test_a_new_wish_beats_what_was_told_before(runner, ran, workflow, run_id):  # S35
    ran.broken["step4"] = RuntimeError("down")
    runner.execute(workflow, {"x": 2, "y": 2}, run_id=run_id, start_from="step4")
    ran.repair()
    ran.taken()

    result = runner.resume(run_id, {"x": 3}, start_from="step3")

    assert ran.steps == ["step3", "step4", "step5"]
    assert result.skipped_steps == []
    assert result.context.params == {"x": 3, "y": 2}


def test_an_unknown_step_is_refused_and_nothing_changes(runner, ran, workflow, run_id):  # S35
    before = runner.get_run(run_id), runner.list_checkpoints(run_id)

    with pytest.raises(StepNotFound, match="no step 'step9'; its steps are: step1, "):
        runner.execute(workflow, run_id=run_id, start_from="step9")
    with pytest.raises(StepNotFound):
        runner.execute(workflow, run_id="other", start_from="step9")

    assert (runner.get_run(run_id), runner.list_checkpoints(run_id)) == before
    assert ran.steps == []
    assert [run.run_id for run in runner.list_runs()] == [run_id]


def test_the_id_of_an_existing_run_is_refused_without_a_step(runner, ran, workflow, run_id):  # S35
    with pytest.raises(RunExists, match="run 'abc-123' exists and has failed; .*(spine resume abc-123|its own runner)"):
        runner.execute(workflow, run_id=run_id)
    runner.resume(run_id)
    with pytest.raises(RunExists, match="exists and has completed; leave out run_id"):
        runner.execute(workflow, run_id=run_id, params={"x": 2})
    assert runner.get_run(run_id).params == {"x": 1}


def test_a_run_of_another_workflow_is_refused(runner, ran, workflow, run_id):  # S35
    with pytest.raises(NotResumable, match="is of workflow 'recorded', not 'other'; nothing was run"):
        runner.execute(ran.workflow(*STEPS, name="other"), run_id=run_id, start_from="step1")
    assert ran.steps == []


def test_a_failed_run_can_be_run_again_from_the_beginning_as_a_new_one(runner, ran, workflow, run_id):  # S36, S37
    failed = runner.get_run(run_id)

    fresh = runner.execute(workflow, params=failed.context.params)

    assert fresh.run_id != run_id
    assert ran.steps == [*STEPS]
    assert fresh.context.params == {"x": 1}
    assert runner.get_run(run_id) == failed


def test_a_changed_context_continues_the_run_it_belongs_to(runner, ran, workflow, run_id):  # S38, S39
    context = runner.get_run(run_id).context.with_params({"debug": True, "x": 5})

    result = runner.execute(workflow, context=context, start_from="step3")

    assert result.run_id == run_id
    assert ran.steps == ["step3", "step4", "step5"]
    assert result.context.params == {"x": 5, "debug": True}
    assert runner.get_run(run_id).params == {"x": 5, "debug": True}


def test_a_context_from_an_earlier_step_and_params_with_it(runner, ran, workflow, run_id):  # S32, S39
    context = runner.get_checkpoint(run_id, step="step1").context

    result = runner.execute(workflow, {"x": 9}, context=context, start_from="step2")

    assert ran.steps == ["step2", "step3", "step4", "step5"]
    assert result.context.params == {"x": 9}


def test_a_context_alone_goes_on_where_the_run_stood(runner, ran, workflow, run_id):  # S39
    context = runner.get_run(run_id).context.with_params({"debug": True})

    result = runner.execute(workflow, context=context)

    assert ran.steps == ["step3", "step4", "step5"]
    assert result.context.params == {"x": 1, "debug": True}


def test_a_context_that_was_given_is_kept_through_a_failure(runner, ran, workflow, run_id):  # S39
    context = runner.get_run(run_id).context.with_params({"debug": True})
    ran.broken["step3"] = RuntimeError("down")
    runner.execute(workflow, context=context, start_from="step3")
    ran.repair()
    ran.taken()

    result = runner.resume(run_id)

    assert ran.steps == ["step3", "step4", "step5"]
    assert result.context.params == {"x": 1, "debug": True}


def test_the_context_of_a_step_can_be_given_back(runner, ran):  # S39, S50
    kept = []
    workflow = ran.workflow("a", ran.step("b", lambda ctx: kept.append(ctx) or {"debug": ctx.params.get("debug")}))
    run_id = runner.execute(workflow).run_id
    runner.resume(run_id, start_from="b")

    plain = runner.execute(workflow, context=kept[-1], start_from="b")
    changed = runner.execute(workflow, context=kept[-1].with_params({"debug": True}), start_from="b")

    assert type(plain.context) is WorkflowContext
    assert plain.context.params == {}
    assert changed.context.params == {"debug": True}
    assert changed.context.outputs["b"] == {"debug": True}
    assert runner.get_run(run_id).params == {"debug": True}


def test_the_context_of_a_resumed_step_leaves_no_trace_of_it_in_the_run(runner, ran):  # S39, S50
    kept = []
    workflow = ran.workflow("a", ran.step("b", lambda ctx: kept.append(ctx) or {}), "c")
    run_id = runner.execute(workflow).run_id
    runner.resume(run_id, start_from="b")
    ran.broken["c"] = RuntimeError("down")

    runner.execute(workflow, context=kept[-1], start_from="c")
    ran.repair()

    assert runner.resume(run_id).context.params == {}
    assert runner.get_run(run_id).params == {}


def test_a_context_of_a_run_that_is_not_there_makes_it(runner, ran, workflow):  # S39
    context = WorkflowContext(
        run_id="made-by-hand", workflow_name="recorded", params={"x": 1}, outputs={"step1": {"rows": 3}}
    )

    result = runner.execute(workflow, context=context, start_from="step2")

    assert result.run_id == "made-by-hand"
    assert ran.steps == ["step2", "step3", "step4", "step5"]
    assert result.context.outputs["step1"] == {"rows": 3}


def test_a_partition_beside_the_context_of_a_new_run_is_refused(runner, ran, workflow):  # S39
    context = WorkflowContext(run_id="made-by-hand", workflow_name="recorded", partition={"date": "monday"})

    with pytest.raises(InvalidParams, match="the context has its partition already"):
        runner.execute(workflow, context=context, partition={"date": "tuesday"})
    assert ran.steps == []


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"context": {"params": {}}}, "must be a WorkflowContext, not a dict"),
        ({"run_id": "other"}, "belongs to run 'abc-123', not 'other'"),
        ({"partition": {"date": "x"}}, "has its partition already"),
        ({"workflow": Workflow}, "is one of workflow 'recorded', not 'other'"),
        ({"reserved": "__resumed__"}, "names that begin with __ are Spine's own: '__resumed__'"),
    ],
)
def test_a_context_that_does_not_fit_is_refused(runner, ran, workflow, run_id, wrong, reason):  # S39
    if "workflow" in wrong:
        workflow, wrong = ran.workflow(*STEPS, name="other"), {}
    context = runner.get_run(run_id).context
    if "reserved" in wrong:
        context, wrong = context.with_params({wrong["reserved"]: True}), {}

    with pytest.raises(InvalidParams, match=reason):
        runner.execute(workflow, **{"context": context, "start_from": "step3"} | wrong)
    assert ran.steps == []
