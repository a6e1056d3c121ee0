"""What a step is given, and whose word counts."""

from datetime import date

import pytest

from spine.orchestration import QualityMetrics, Step, StepResult, Workflow, WorkflowContext

DEFAULTS = {"who": "default", "default": "default"}
OWN = {"who": "own", "default": "own", "own": "own"}


@pytest.fixture
def seen(registry) -> list[dict]:
    """What the params were in each step of the pipeline `note`."""
    seen: list[dict] = []

    @registry.pipeline("note")
    def note(params):
        seen.append(params)

    return seen


def test_defaults_give_way_to_a_steps_own_params_and_those_to_the_runs(runner, seen):  # S11, S18
    steps = [Step.pipeline("a", "note", params=OWN), Step.pipeline("b", "note")]
    workflow = Workflow("w", steps, defaults=DEFAULTS)

    runner.execute(workflow, params={"who": "run", "run": "run"})

    assert seen[0] == {"who": "run", "default": "own", "own": "own", "run": "run"}
    assert seen[1] == {"who": "run", "default": "default", "run": "run"}


@pytest.mark.parametrize("interrupted", [False, True])
def test_context_updates_beat_all_that_comes_later(runner, ran, seen, interrupted):  # S18, S24
    update = ran.step("a", lambda ctx: StepResult.ok(context_updates={"default": "step", "own": "step", "new": 1}))
    if interrupted:
        ran.broken["b"] = RuntimeError("down")
    steps = [update, ran.step("b"), Step.pipeline("c", "note", params=OWN)]

    result = runner.execute(Workflow("w", steps, defaults=DEFAULTS), params={"who": "run"})
    if interrupted:
        ran.repair()
        result = runner.resume(result.run_id)

    assert result.status == "completed"
    assert {name: value for name, value in seen[0].items() if name != "__resumed__"} == {
        "who": "run",
        "default": "step",
        "own": "step",
        "new": 1,
    }
    assert result.context.params == {"who": "run", "default": "step", "own": "step", "new": 1}


def test_an_override_beats_defaults_own_params_and_updates(runner, ran, seen):  # S18, S24
    update = ran.step("a", lambda ctx: StepResult.ok(context_updates={"who": "step"}))
    ran.broken["b"] = RuntimeError("down")
    steps = [update, ran.step("b"), Step.pipeline("c", "note", params=OWN)]
    run_id = runner.execute(Workflow("w", steps, defaults=DEFAULTS)).run_id
    ran.repair()

    runner.resume(run_id, params_override={"who": "override", "default": "override"})

    assert seen == [{"who": "override", "default": "override", "own": "own", "__resumed__": True}]


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_steps_own_params_beat_the_defaults_also_after_a_resume(runner, ran, seen, interrupted):  # S18
    if interrupted:
        ran.broken["b"] = RuntimeError("down")
    steps = [ran.step("a"), ran.step("b"), Step.pipeline("c", "note", params=OWN)]
    run_id = runner.execute(Workflow("w", steps, defaults=DEFAULTS)).run_id
    if interrupted:
        ran.repair()
        runner.resume(run_id)

    assert (seen[0]["who"], seen[0]["default"]) == ("own", "own")
    assert runner.get_run(run_id).context.params == DEFAULTS


def test_pipelines_take_params_or_the_context_or_both_or_nothing(runner, registry):  # S11, S12, S48
    registry.add_pipeline("takes.params", lambda params: {"x": params["x"]})
    registry.add_pipeline("takes.ctx", lambda ctx: {"so far": sorted(ctx.outputs)})
    registry.add_pipeline("takes.both", lambda params, ctx: {"same": params == dict(ctx.params)})
    registry.add_pipeline("takes.nothing", lambda: None)
    steps = [Step.pipeline(name, f"takes.{name}") for name in ("params", "ctx", "both", "nothing")]
    mixed = [*steps, Step.lambda_("lambda", lambda ctx, config: StepResult.ok({"seen": len(ctx.outputs)}))]

    result = runner.execute(Workflow("w", mixed), params={"x": 1})

    assert result.context.outputs == {
        "params": {"x": 1},
        "ctx": {"so far": ["params"]},
        "both": {"same": True},
        "nothing": {},
        "lambda": {"seen": 4},
    }


def test_each_lambda_gets_a_copy_of_its_config(runner):  # S12
    def count(ctx, config):
        config["seen"].append(ctx.step_name)
        return {"seen": config["seen"], "table": config["table"]}

    config = {"table": "flights", "seen": []}
    steps = [Step.lambda_("a", count, config=config), Step.lambda_("b", count, config=config)]
    result = runner.execute(Workflow("w", steps))
    again = runner.execute(Workflow("w", steps))

    assert result.context.outputs == {
        "a": {"seen": ["a"], "table": "flights"},
        "b": {"seen": ["b"], "table": "flights"},
    }
    assert again.context.outputs == result.context.outputs
    assert config == {"table": "flights", "seen": []}


@pytest.mark.parametrize("interrupted", [False, True])
def test_all_a_step_made_is_there_for_the_next_one_resumed_or_not(runner, ran, interrupted):  # S24, S25, S26, S27
    made = StepResult.ok(
        {"records": 1000, "nested": {"z": (1, 2), "a": date(2026, 1, 10)}},
        context_updates={"derived": 0.1, "list": [1]},
        quality=QualityMetrics(passed=True, record_count=1000, null_rate=0.0),
    )
    told = []

    def look(ctx):
        told.append((dict(ctx.params), dict(ctx.outputs), dict(ctx.quality_metrics), dict(ctx.partition)))
        return {}

    if interrupted:
        ran.broken["wait"] = RuntimeError("down")
    workflow = ran.workflow(ran.step("make", lambda ctx: made), "wait", ran.step("look", look))
    result = runner.execute(workflow, params={"day": "2026-01-10"}, partition={"date": "2026-01-10", "site": "ICN"})
    if interrupted:
        ran.repair()
        result = runner.resume(result.run_id)

    params, outputs, quality, partition = told[0]
    params.pop("__resumed__", None)
    assert params == {"day": "2026-01-10", "derived": 0.1, "list": [1]}
    assert outputs["make"] == {"records": 1000, "nested": {"z": (1, 2), "a": date(2026, 1, 10)}}
    assert list(outputs["make"]["nested"]) == ["z", "a"]
    assert type(outputs["make"]["nested"]["z"]) is tuple
    assert quality["make"] == QualityMetrics(record_count=1000, null_rate=0.0)
    assert quality["make"].record_count == 1000
    assert partition == {"date": "2026-01-10", "site": "ICN"}


def test_metrics_inform_and_only_a_failure_stops_a_run(runner, ran):  # S26
    poor = ran.step("measure", lambda ctx: StepResult.ok(quality=QualityMetrics(passed=False, record_count=0)))

    result = runner.execute(ran.workflow(poor, "load"))

    assert result.status == "completed"
    assert result.context.quality_metrics["measure"].passed is False


@pytest.mark.parametrize("interrupted", [False, True])
def test_what_a_step_does_to_what_it_was_given_or_gave_changes_nothing(runner, ran, interrupted):  # S24, S25, S47
    kept = {"rows": [1]}

    def change(ctx):
        ctx.outputs["give"]["rows"].append("changed")
        ctx.params["list"].append("changed")
        ctx.partition["key"].append("changed")
        kept["rows"].append("changed later")
        return {}

    def look(ctx):
        return {"rows": ctx.outputs["give"]["rows"], "list": ctx.params["list"], "key": ctx.partition["key"]}

    if interrupted:
        ran.broken["wait"] = RuntimeError("down")
    steps = [ran.step("give", lambda ctx: kept), ran.step("change", change), ran.step("wait"), ran.step("look", look)]
    result = runner.execute(ran.workflow(*steps), params={"list": [1]}, partition={"key": [1]})
    if interrupted:
        ran.repair()
        result = runner.resume(result.run_id)

    assert result.context.outputs["look"] == {"rows": [1], "list": [1], "key": [1]}
    assert runner.get_run(result.run_id).context.outputs["give"] == {"rows": [1]}


def test_a_changed_context_is_another_one(runner, ran):  # S38
    context = runner.execute(ran.workflow("a"), params={"x": 1}).context

    changed = context.with_params({"x": 2, "debug": True})

    assert type(changed) is WorkflowContext
    assert changed.params == {"x": 2, "debug": True}
    assert context.params == {"x": 1}
    assert changed.outputs == context.outputs
    assert changed.run_id == context.run_id


def test_a_skipped_step_is_shown_as_such_and_has_a_checkpoint(runner, ran):  # S41
    ran.broken["c"] = RuntimeError("down")
    workflow = ran.workflow("a", ran.step("b", lambda ctx: StepResult.skip("loaded already")), "c")

    failed = runner.execute(workflow)
    ran.repair()
    resumed = runner.resume(failed.run_id)

    for result in (failed, resumed):
        assert result.skipped_steps == ["b"]
        assert "b" not in result.all_completed_steps
    assert resumed.completed_steps == ["c"]
    assert "b" not in resumed.context.outputs
    metadata = runner.get_checkpoint(failed.run_id, step="b").metadata
    assert (metadata["outcome"], metadata["reason"], metadata["skipped"]) == ("skipped", "loaded already", ["b"])


def test_a_step_may_complete_and_say_that_it_skipped_its_work(runner, ran):  # S41
    told = {"skipped": True, "reason": "the manifest says so"}

    result = runner.execute(ran.workflow(ran.step("load", lambda ctx: StepResult.ok(told))))

    assert result.completed_steps == ["load"]
    assert result.context.outputs["load"] == told


def test_params_stay_the_same_from_one_day_to_the_next(runner, ran):  # S47
    ran.broken["b"] = RuntimeError("down")
    run_id = runner.execute(ran.workflow("a", "b"), params={"price_date": date(2026, 1, 10)}).run_id
    ran.repair()

    assert runner.resume(run_id).context.params["price_date"] == date(2026, 1, 10)


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("params", "the param 'x' cannot be changed"),
        ("outputs", "the output of a step 'x' cannot be changed"),
        ("partition", "the part of the partition 'x' cannot be changed"),
    ],
)
def test_what_a_step_sets_in_its_context_is_told_where_it_belongs(runner, ran, part, says):
    def assign(ctx):
        getattr(ctx, part)["x"] = 1

    failed = runner.execute(ran.workflow(ran.step("assign", assign)))

    assert (
        failed.error == f"{says}; a step gives back what the next ones are to know, as its output or in context_updates"
    )


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("params", "no param 'date'; there are: limit"),
        ("outputs", "no output of a step 'date'; there are: none; a step that was skipped or passed over has none"),
        ("partition", "no part of the partition 'date'; there are: region"),
    ],
)
def test_what_is_not_there_is_called_what_it_is(runner, ran, part, says):
    look = ran.workflow(ran.step("look", lambda ctx: {"found": getattr(ctx, part)["date"]}))

    failed = runner.execute(look, {"limit": 1}, partition={"region": "north"})

    assert failed.error == f'"{says}"'
    assert runner.resume(failed.run_id).error == f'"{says}"'  # and what is Spine's own is nobody's to ask for
