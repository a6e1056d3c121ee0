"""A whole context that a run was given outlives every change of the workflow behind it."""

import math
from typing import Any

import pytest

from spine.orchestration import (
    InvalidParams,
    NotResumable,
    RunStatus,
    Step,
    Workflow,
    WorkflowContext,
    WorkflowRunner,
)

CHANGES = {
    "as it was": ["a", "b", "c"],
    "renamed": ["a", "b2", "c"],
    "one before it": ["a", "n", "b", "c"],
    "reordered": ["a", "c", "b"],
    "replaced": ["a", "x"],
}
Seen = list[tuple[str, Any, list[str]]]


@pytest.fixture
def seen() -> Seen:
    """The steps that ran, with the param `p` and the outputs that each saw."""
    return []


def workflow_of(names: list[str], seen: Seen, *, fails: str | None = None) -> Workflow:
    def step(name: str) -> Step:
        def perform(ctx: Any, config: dict[str, Any]) -> dict[str, Any]:
            seen.append((name, ctx.params["p"], sorted(ctx.outputs)))
            if name == fails:
                raise OSError("down")
            return {"by": name}

        return Step.lambda_(name, perform)

    return Workflow("w", [step(name) for name in names])


def fail_with_a_given_context(runner: WorkflowRunner, seen: Seen) -> None:
    """Let step b fail twice, the second time with a context that was given for it."""
    broken = workflow_of(["a", "b", "c"], seen, fails="b")
    runner.execute(broken, {"p": "stored"}, run_id="r")
    given = runner.get_run("r").context.with_params({"p": "given"})
    runner.execute(broken, context=given, start_from="b")
    seen.clear()


@pytest.mark.parametrize("names", CHANGES.values(), ids=CHANGES)
def test_a_context_that_was_given_reaches_the_steps_that_replace_the_failed_one(runner, seen, names):
    fail_with_a_given_context(runner, seen)

    runner.register(workflow_of(names, seen))
    result = runner.resume("r")

    assert result.status is RunStatus.COMPLETED
    assert [(name, p) for name, p, _ in seen] == [(name, "given") for name in names[1:]]


def test_it_outlives_two_changes_and_a_going_back(runner, seen):
    fail_with_a_given_context(runner, seen)

    for names, fails in ((["a", "b2", "c"], "b2"), (["a", "b3", "c"], "c")):
        runner.register(workflow_of(names, seen, fails=fails))
        runner.resume("r")
        seen.clear()
    result = runner.execute(workflow_of(["a", "b3", "c"], seen), run_id="r", start_from="b3")

    assert result.status is RunStatus.COMPLETED
    assert [(name, p) for name, p, _ in seen] == [("b3", "given"), ("c", "given")]


@pytest.mark.parametrize(
    ("step", "saw"),
    [("c", ("c", "given", ["a", "b"])), ("x", ("x", "stored", ["a"]))],
    ids=["its step", "another step"],
)
def test_where_steps_before_it_are_gone_it_follows_its_own_step_and_reaches_no_other(runner, seen, step, saw):
    runner.execute(workflow_of(["a", "b", "c"], seen, fails="c"), {"p": "stored"}, run_id="r")
    given = runner.get_run("r").context.with_params({"p": "given"})
    runner.execute(workflow_of(["a", "b", "c"], seen, fails="c"), context=given, start_from="c")
    seen.clear()

    result = runner.execute(workflow_of(["a", step], seen), run_id="r", start_from=step)

    assert result.status is RunStatus.COMPLETED
    assert seen == [saw]


def test_a_run_that_was_born_with_a_context_keeps_its_outputs_when_its_first_step_is_replaced(runner, seen):
    outputs = {"a": {"by": "a"}, "b": {"by": "b"}}
    born = WorkflowContext(run_id="r", workflow_name="w", params={"p": 1}, outputs=outputs)
    runner.execute(workflow_of(["a", "b", "c"], seen, fails="c"), context=born, start_from="c")

    runner.register(workflow_of(["a", "b", "c2"], seen))
    result = runner.resume("r")

    assert [outputs for _, _, outputs in seen] == [["a", "b"], ["a", "b"]]
    assert sorted(result.context.outputs) == ["a", "b", "c2"]


def test_whoever_goes_back_before_it_is_shown_what_the_run_goes_on_with(runner, seen):
    fail_with_a_given_context(runner, seen)
    runner.execute(workflow_of(["a", "b", "c"], seen, fails="a"), run_id="r", start_from="a")

    assert seen == [("a", "stored", [])]
    assert runner.get_run("r").context.params["p"] == "stored"


@pytest.mark.parametrize("inserted", [["n"], ["n", "m"]], ids=["one", "two"])
@pytest.mark.parametrize("goes_on", ["taken out again", "named"])
def test_after_going_back_before_its_step_no_earlier_step_gets_it(runner, seen, inserted, goes_on):
    names = ["a", "b", "c"]
    longer = ["a", *inserted, "b", "c"]
    runner.execute(workflow_of(names, seen, fails="c"), {"p": "stored"}, run_id="r")
    given = runner.get_run("r").context.with_params({"p": "given for c"})
    runner.execute(workflow_of(names, seen, fails="c"), context=given, start_from="c")
    runner.execute(workflow_of(names, seen, fails="b"), run_id="r", start_from="b")
    seen.clear()

    if goes_on == "named":
        runner.register(workflow_of(longer, seen, fails="b"))
        runner.resume("r", start_from="b")
    else:
        runner.register(workflow_of(longer, seen, fails="n"))
        runner.resume("r")
        runner.register(workflow_of(names, seen, fails="b"))
        runner.resume("r")

    assert seen[-1] == ("b", "stored", ["a"])
    assert runner.get_run("r").context.params["p"] == "stored"
    seen.clear()
    runner.register(workflow_of(names, seen))
    runner.resume("r", start_from="c")
    assert seen == [("c", "given for c", ["a", "b"])]


@pytest.mark.parametrize(
    "meanwhile",
    [["s0", "s1", "s3"], ["s0", "s1"], ["s0", "s1", "n", "s2", "s3"], ["s0", "s1", "n", "m", "s2"]],
    ids=["removed", "removed with all behind it", "one before it", "two before it"],
)
def test_it_waits_for_its_step_while_the_run_is_before_it(runner, seen, meanwhile):
    names = ["s0", "s1", "s2", "s3"]
    runner.execute(workflow_of(names, seen, fails="s2"), {"p": "stored"}, run_id="r")
    given = runner.get_run("r").context.with_params({"p": "given"})
    runner.execute(workflow_of(names, seen, fails="s2"), context=given, start_from="s2")
    runner.execute(workflow_of(meanwhile, seen, fails="s0"), run_id="r", start_from="s0")
    if "n" in meanwhile:
        runner.execute(workflow_of(meanwhile, seen, fails="n"), run_id="r", start_from="n")
        assert seen[-1] == ("n", "stored", [])
    seen.clear()

    runner.execute(workflow_of(names, seen, fails="s3"), run_id="r", start_from="s2")

    assert seen[0] == ("s2", "given", ["s0", "s1"])


@pytest.mark.parametrize("partition", [{"date": "monday"}, {"of": {"b": 1, "a": [math.nan]}}])
@pytest.mark.parametrize("is_told", [True, False])
def test_it_leaves_the_run_its_partition(runner, seen, partition, is_told):
    flow = workflow_of(["a", "b"], seen)
    runner.execute(flow, {"p": 1}, run_id="r", partition=partition)
    told = runner.get_run("r").context.partition if is_told else {}
    given = WorkflowContext(run_id="r", workflow_name="w", params={"p": 2}, partition=told)

    runner.execute(flow, context=given, start_from="b").raise_for_status()

    run = runner.get_run("r")
    assert str(run.partition) == str(run.context.partition) == str(partition)
    assert seen[-1][:2] == ("b", 2)


def test_one_for_another_partition_is_refused_and_changes_nothing(runner, seen):
    flow = workflow_of(["a", "b"], seen)
    runner.execute(flow, {"p": 1}, run_id="r", partition={"date": "monday"})
    before = runner.get_run("r")
    given = WorkflowContext(run_id="r", workflow_name="w", params={"p": 2}, partition={"date": "tuesday"})

    with pytest.raises(InvalidParams, match="start a new run for another one"):
        runner.execute(flow, context=given, start_from="b")

    assert runner.get_run("r") == before


@pytest.mark.parametrize("numbers", [{"self": 1}, {1: 2}], ids=str)
def test_quality_of_whatever_names_is_read_again(runner, seen, numbers):
    context = WorkflowContext(run_id="r", workflow_name="w", params={"p": 1}, quality_metrics={"a": numbers})

    runner.execute(workflow_of(["a", "b"], seen), context=context, start_from="b")

    assert dict(runner.get_checkpoint("r").context.quality_metrics["a"]) == {"passed": True, **numbers}


def test_a_completed_run_whose_context_is_given_and_that_has_nothing_left_is_not_told_to_be_cancelled(runner, seen):
    context = runner.execute(workflow_of(["a"], seen), {"p": 1}, run_id="r").context

    with pytest.raises(NotResumable, match="still has is done: a; name a step to run again: start_from") as refused:
        runner.execute(workflow_of(["a"], seen), context=context)
    assert "cancel" not in str(refused.value)
