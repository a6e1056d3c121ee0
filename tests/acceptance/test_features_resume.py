"""A failed run is repaired and goes on from the step it failed at."""

import pytest

from spine.orchestration import (
    Registry,
    RunAlreadyCompleted,
    RunNotFound,
    RunStatus,
    Step,
    StepResult,
    Workflow,
    WorkflowNotFound,
    WorkflowRunner,
)

STEPS = ("step1", "step2", "step3", "step4")


@pytest.fixture
def failed(runner, ran):
    """A run that failed at step3 because of somebody else."""
    ran.broken["step3"] = TimeoutError("External API timeout")
    result = runner.execute(ran.workflow(*STEPS), params={"api_url": "https://api", "timeout": 30}, run_id="abc-123")
    ran.taken()
    return result


def test_a_failed_run_says_where_and_why(failed):  # S14
    assert failed.status == "failed"
    assert failed.error_step == "step3"
    assert failed.error == "External API timeout"
    assert failed.run_id == "abc-123"
    assert failed.completed_steps == ["step1", "step2"]
    assert (failed.error_type, failed.error_category) == ("TimeoutError", "timeout")


def test_after_a_failure_no_later_step_is_started(runner, ran):  # S15
    ran.broken["step2"] = RuntimeError("broken")

    runner.execute(ran.workflow(*STEPS))

    assert ran.steps == ["step1", "step2"]


def test_a_repaired_run_goes_on_at_the_step_that_failed(runner, ran, failed):  # S1, S16, S20
    ran.repair()

    result = runner.resume("abc-123")

    assert ran.steps == ["step3", "step4"]
    assert result.status == "completed"
    assert result.completed_steps == ["step3", "step4"]
    assert result.all_completed_steps == [*STEPS]
    assert result.run_id == "abc-123"


def test_a_resumed_run_ends_with_the_context_of_an_undisturbed_one(runner, ran, failed):  # S1, S47
    ran.repair()

    resumed = runner.resume("abc-123").context
    undisturbed = runner.execute(ran.workflow(*STEPS), params={"api_url": "https://api", "timeout": 30}).context

    assert list(resumed.outputs.items()) == list(undisturbed.outputs.items())
    assert dict(resumed.params) == dict(undisturbed.params)


def test_an_override_is_merged_over_the_saved_params(runner, ran, registry):  # S18, S19
    seen = {}

    def note(ctx):
        if ctx.params["timeout"] < 100:
            raise TimeoutError("too short")
        seen[ctx.step_name] = dict(ctx.params)
        return {}

    steps = [ran.step("step1"), ran.step("step2", note), ran.step("step3", note)]
    run_id = runner.execute(ran.workflow(*steps), params={"timeout": 30, "api_url": "https://api"}).run_id
    result = runner.resume(run_id, params_override={"timeout": 120})

    overridden = {"timeout": 120, "api_url": "https://api"}
    assert result.status == "completed"
    assert seen["step2"] == seen["step3"] == overridden | {"__resumed__": True}
    assert runner.get_checkpoint(run_id, "step1").context.params["timeout"] == 30
    assert runner.get_checkpoint(run_id, "step2").context.params == overridden
    assert runner.get_run(run_id).context.params == overridden


def test_an_override_that_failed_again_is_remembered(runner, ran, failed):  # S18
    runner.resume("abc-123", params_override={"timeout": 120})
    ran.repair()

    result = runner.resume("abc-123", params_override={"api_url": "https://other"})

    assert result.context.params == {"api_url": "https://other", "timeout": 120}


def test_a_second_failure_is_followed_by_a_second_resume(runner, ran, failed):  # S1, S16
    again = runner.resume("abc-123")
    assert (again.status, again.error_step, again.completed_steps) == ("failed", "step3", [])
    assert again.all_completed_steps == ["step1", "step2"]

    ran.broken = {"step4": ValueError("and now this")}
    further = runner.resume("abc-123")
    assert (further.status, further.error_step, further.error) == ("failed", "step4", "and now this")
    assert further.completed_steps == ["step3"]

    ran.repair()
    last = runner.resume("abc-123")
    assert (last.status, last.completed_steps, last.error) == ("completed", ["step4"], None)
    assert ran.steps == ["step3", "step3", "step4", "step4"]


def test_a_resumed_run_that_completed_has_nothing_left_to_resume(runner, ran, failed):  # S16, S52
    ran.repair()
    runner.resume("abc-123")
    ran.taken()

    with pytest.raises(RunAlreadyCompleted, match="'abc-123' has completed"):
        runner.resume("abc-123")
    assert ran.steps == []


def test_a_run_that_failed_in_its_first_step_starts_over_under_its_id(runner, ran):  # S1
    ran.broken["step1"] = RuntimeError("broken")
    run_id = runner.execute(ran.workflow(*STEPS), params={"x": 1}).run_id
    ran.repair()

    result = runner.resume(run_id)

    assert result.completed_steps == [*STEPS]
    assert result.context.params == {"x": 1}


def test_the_failed_step_runs_again_from_its_start(runner, ran):  # S40
    done = []

    def half(ctx):
        done.append("first half")
        if len(done) == 1:
            raise RuntimeError("in the middle")
        done.append("second half")
        return {}

    run_id = runner.execute(ran.workflow(ran.step("load", half))).run_id
    runner.resume(run_id)

    assert done == ["first half", "first half", "second half"]


def test_a_step_that_returns_a_failure_is_resumed_like_one_that_raised(runner, ran):  # S1, S14
    nulls = [0.4, 0.0]
    gate = ran.step("gate", lambda ctx: StepResult.fail("40% nulls", "data_quality") if nulls.pop(0) else {})

    failed = runner.execute(ran.workflow("read", gate, "load"))
    assert (failed.error, failed.error_type, failed.error_category) == ("40% nulls", "StepFailed", "data_quality")

    assert runner.resume(failed.run_id).completed_steps == ["gate", "load"]


def test_a_run_that_is_not_there_is_missed(runner):  # S17, S52
    with pytest.raises(RunNotFound, match="no run 'nobody' in .*; list the runs with(: spine runs list| list_runs)"):
        runner.resume("nobody")


def test_another_runner_needs_the_id_and_a_registered_workflow(database_url, ran):  # S2, S17
    workflow = ran.workflow(*STEPS)
    ran.broken["step3"] = RuntimeError("broken")
    with WorkflowRunner(database_url, registry=Registry()) as first:
        run_id = first.execute(workflow).run_id
    ran.repair()
    ran.taken()

    with WorkflowRunner(database_url, registry=Registry()) as second:
        with pytest.raises(WorkflowNotFound, match="'recorded' is registered.*--app.*runner.register") as missing:
            second.resume(run_id)
        assert ran.steps == []
        assert "recorded.py" in str(missing.value)
        assert "there are" not in str(missing.value)

        second.register(Workflow("other", workflow.steps))
        with pytest.raises(WorkflowNotFound, match=r"'recorded' is registered \(there are: other\); at a shell name"):
            second.resume(run_id)

        second.register(workflow)
        assert second.resume(run_id).completed_steps == ["step3", "step4"]


def test_pipelines_are_found_by_their_names_too(database_url):  # S2, S11, S17
    def make(registry: Registry, *, broken: bool) -> WorkflowRunner:
        @registry.pipeline("shop.load")
        def load(params):
            if broken:
                raise RuntimeError("down")
            return {"day": params["day"]}

        return WorkflowRunner(database_url, registry=registry)

    nightly = Workflow("nightly", [Step.pipeline("load", "shop.load", params={"day": 1})])
    with make(Registry(), broken=True) as first:
        run_id = first.execute(nightly).run_id
    with make(Registry(), broken=False) as second:
        second.register(nightly)
        assert second.resume(run_id).context.outputs == {"load": {"day": 1}}


def test_a_failed_run_is_failed_for_everybody(runner, failed):  # S14, S36, S46
    run = runner.get_run("abc-123")

    assert run.status is RunStatus.FAILED
    assert (run.error_step, run.error, run.error_type) == ("step3", "External API timeout", "TimeoutError")
    assert run.context.params == {"api_url": "https://api", "timeout": 30}
    assert run.context.outputs == {"step1": {"by": "step1"}, "step2": {"by": "step2"}}
    assert run.lease is None
