"""What a workflow is made of, checked before anything runs; and a workflow that changed between two attempts."""

from datetime import date

import pydantic
import pytest

from spine.orchestration import (
    DefinitionChanged,
    InvalidName,
    InvalidParams,
    InvalidSetting,
    InvalidWorkflow,
    NotResumable,
    PipelineNotFound,
    RunNotFound,
    Step,
    StepResult,
    Workflow,
    WorkflowRunner,
    pipeline,
)


def test_the_five_names_of_the_first_page_are_there():  # S9
    from spine.orchestration import Step, StepResult, Workflow, WorkflowContext, WorkflowRunner

    assert all(isinstance(each, type) for each in (WorkflowRunner, Workflow, Step, WorkflowContext, StepResult))


def test_a_workflow_has_a_name_and_no_step_twice():  # S10
    step = Step.lambda_("a", lambda ctx, config: {})

    with pytest.raises(InvalidWorkflow, match="needs a name"):
        Workflow(steps=[step])
    with pytest.raises(InvalidWorkflow, match="more than one step named 'a'"):
        Workflow(name="w", steps=[step, step])
    with pytest.raises(InvalidWorkflow, match="has no steps"):
        Workflow(name="w", steps=[])


def test_an_unregistered_pipeline_is_found_out_before_the_first_step(runner, ran):  # S11
    workflow = Workflow("w", [ran.step("first"), Step.pipeline("load", "shop.laod")])
    runner.register(workflow)

    with pytest.raises(PipelineNotFound, match=r"step 'load': no pipeline 'shop.laod' is registered.*@pipeline"):
        runner.execute(workflow, run_id="1")

    assert ran.steps == []
    with pytest.raises(RunNotFound):
        runner.get_run("1")


def test_a_pipeline_missing_at_a_resume_leaves_the_run_as_it_was(runner, registry, ran):  # S11
    ran.broken["a"] = RuntimeError("down")
    run_id = runner.execute(ran.workflow("a", "b")).run_id
    before = runner.get_run(run_id)
    runner.register(ran.workflow("a", Step.pipeline("b", "gone")))

    with pytest.raises(PipelineNotFound):
        runner.resume(run_id)
    assert runner.get_run(run_id) == before


def test_a_runner_without_arguments_takes_the_configuration(tmp_path, monkeypatch, ran):  # S13
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPINE_DATABASE_URL", raising=False)
    with WorkflowRunner() as runner:
        runner.execute(ran.workflow("a", name="features.configured"), run_id="1")
    assert (tmp_path / "spine.db").exists()

    monkeypatch.setenv("SPINE_DATABASE_URL", f"sqlite:///{tmp_path}/other.db")
    with WorkflowRunner() as runner:
        assert runner.list_runs() == []
    monkeypatch.setenv("SPINE_LEASE_SECONDS", "soon")
    with pytest.raises(InvalidSetting, match="SPINE_LEASE_SECONDS"):
        WorkflowRunner()


def test_the_decorator_and_the_default_registry_need_no_ceremony(store_url):  # S11, S13, S17
    @pipeline("features.decorated")
    def load(params):
        return {"rows": params["rows"]}

    workflow = Workflow("features.by_default", [Step.pipeline("load", "features.decorated")])
    with WorkflowRunner(store_url) as runner:
        assert runner.execute(workflow, params={"rows": 3}).context.outputs == {"load": {"rows": 3}}


@pytest.mark.parametrize("length", [36, 37])
def test_over_long_ids_are_refused_before_anything_runs(runner, ran, length):  # S7
    run_id = "x" * length
    if length == 36:
        assert runner.execute(ran.workflow("a"), run_id=run_id).status == "completed"
    else:
        with pytest.raises(InvalidName, match="a run id must have 1 to 36 characters, not 37"):
            runner.execute(ran.workflow("a"), run_id=run_id)
        assert ran.steps == []
    with pytest.raises(InvalidName):
        Step.lambda_("x" * 101, lambda ctx, config: {})


@pytest.fixture
def failed(runner, ran) -> str:
    """A run that did a and b and failed at c."""
    ran.broken["c"] = RuntimeError("down")
    run_id = runner.execute(ran.workflow("a", "b", "c", "d")).run_id
    ran.repair()
    ran.taken()
    return run_id


@pytest.mark.parametrize(
    ("now", "told", "start", "again"),
    [
        ("bacd", "Missing: none; new among them: none", "b", ", which runs a, b again."),
        ("axbcd", "Missing: none; new among them: x", "x", ", which runs b again."),
        ("acd", "Missing: b; new among them: none", "c", ", which removes what b gave."),
        ("aBcd", "Missing: b; new among them: B", "B", ", which removes what b gave."),
        ("a", "Missing: b; new among them: none", "a", ", which runs a again and removes what b gave."),
    ],
)
def test_steps_that_are_done_must_stay_and_both_lists_are_shown(runner, ran, failed, now, told, start, again):  # S16
    before = runner.get_run(failed), runner.list_checkpoints(failed)
    runner.register(ran.workflow(*now))

    with pytest.raises(DefinitionChanged) as refused:
        runner.resume(failed)

    text = str(refused.value)
    assert "nothing was run" in text
    assert "Done: a, b." in text
    assert f"Now: {', '.join(now)}." in text
    assert told in text
    assert f"start from {start!r}, or from a step before it, with start_from (spine resume {failed} " in text
    assert text.endswith(f" --start-from {start}){again}")
    assert ran.steps == []
    assert (runner.get_run(failed), runner.list_checkpoints(failed)) == before

    runner.resume(failed, start_from=start)

    assert ran.steps == [*now[now.index(start) :]]


@pytest.mark.parametrize(
    ("now", "runs"), [("abd", "d"), ("abxcd", "xcd"), ("abc", "c"), ("abdc", "dc"), ("abxyz", "xyz")]
)
def test_steps_that_come_after_may_change(runner, ran, failed, now, runs):  # S1, S16
    runner.register(ran.workflow(*now))

    result = runner.resume(failed)

    assert ran.steps == [*runs]
    assert result.all_completed_steps == [*now]
    assert [step.name for step in runner.get_run(failed).definition.steps] == [*now]


@pytest.mark.parametrize("now", ["abxcd", "abxd"])
def test_a_repair_that_failed_again_goes_on_where_it_failed(runner, ran, failed, now):  # S1, S16
    ran.broken["x"] = RuntimeError("the repair is broken too")
    runner.register(ran.workflow(*now))
    assert runner.resume(failed).error_step == "x"
    ran.repair()
    ran.taken()

    result = runner.resume(failed)

    assert ran.steps == [*now[2:]]
    assert result.status == "completed"


def test_a_run_whose_open_steps_are_all_gone_cannot_go_on(runner, ran, failed):  # S16
    runner.register(ran.workflow("a", "b"))

    with pytest.raises(NotResumable, match="has failed, and all that workflow 'recorded' still has is done: a, b"):
        runner.resume(failed)
    assert runner.get_run(failed).status == "failed"


def test_changed_steps_do_not_matter_before_the_step_to_start_from(runner, ran, failed):  # S35
    runner.register(ran.workflow("a", "x", "c", "d"))

    result = runner.resume(failed, start_from="x")

    assert ran.steps == ["x", "c", "d"]
    assert result.status == "completed"


class Params(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    day: date
    limit: int = 10


def test_a_params_model_judges_before_anything_runs_and_names_each_bad_field(runner, ran):  # S14, S18
    workflow = ran.workflow("a", params_model=Params)

    with pytest.raises(InvalidParams, match=r"'recorded' does not take these params: day: .*; limit: .*; colour: "):
        runner.execute(workflow, params={"day": "soon", "limit": "many", "colour": "red"}, run_id="1")

    assert ran.steps == []
    with pytest.raises(RunNotFound):
        runner.get_run("1")


def test_what_a_params_model_makes_of_them_is_what_the_run_has(runner, ran):  # S18
    result = runner.execute(ran.workflow("a", params_model=Params), params={"day": "2026-01-10", "limit": "7"})

    assert result.context.params == {"day": date(2026, 1, 10), "limit": 7}
    assert runner.get_run(result.run_id).params == {"day": date(2026, 1, 10), "limit": 7}


def test_an_override_is_judged_by_the_model_too(runner, ran):  # S18
    ran.broken["b"] = RuntimeError("down")
    note = ran.step("a", lambda ctx: StepResult.ok(context_updates={"noted": 1}))
    run_id = runner.execute(ran.workflow(note, "b", params_model=Params), params={"day": "2026-01-10"}).run_id
    before = runner.get_run(run_id)
    ran.taken()

    with pytest.raises(InvalidParams, match="limit: "):
        runner.resume(run_id, params_override={"limit": "many"})
    assert runner.get_run(run_id) == before
    assert ran.steps == []

    ran.repair()
    result = runner.resume(run_id, params_override={"limit": "70"})
    assert result.context.params == {"day": date(2026, 1, 10), "limit": 70, "noted": 1}
