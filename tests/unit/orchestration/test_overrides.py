"""What a run was told holds for what comes after it, and for nothing that was done anew since."""

import pytest

from spine.orchestration.registry import Registry
from spine.orchestration.runner import WorkflowRunner
from spine.orchestration.workflow import Workflow
from spine.records.context import WorkflowContext
from spine.steps.result import StepResult
from spine.steps.step import Step


class Story:
    """Steps a, b and c; c always fails, a fails if it is told to, and a says what it was told to."""

    def __init__(self, runner):
        self.runner = runner
        self.says, self.fails_once, self.seen = 1, False, []
        self.workflow = Workflow("w", [Step.lambda_("a", self.a), Step.lambda_("b", self.b), Step.lambda_("c", self.c)])

    def a(self, ctx, config):
        if self.fails_once:
            self.fails_once = False
            raise RuntimeError("once")
        return StepResult.ok({"said": self.says}, context_updates={"n": self.says})

    def b(self, ctx, config):
        self.seen.append(ctx.params["n"])
        return {"said": self.says}

    def c(self, ctx, config):
        self.seen.append({step: output["said"] for step, output in ctx.outputs.items()})
        raise RuntimeError("always")

    def go_back_to_a(self, *, says, fails_once):
        """Do all steps anew, with what a says now, and forget what was seen till then."""
        self.says, self.fails_once = says, fails_once
        self.runner.resume("1", start_from="a")
        if fails_once:
            self.runner.resume("1")
        self.seen.clear()


@pytest.fixture
def runner():
    with WorkflowRunner("memory://", registry=Registry()) as runner:
        yield runner


@pytest.fixture
def story(runner):
    return Story(runner)


@pytest.mark.parametrize("fails_once", [False, True])
def test_a_step_that_is_done_again_beats_an_override_of_before(runner, story, fails_once):
    runner.execute(story.workflow, {"n": 0}, run_id="1")
    runner.resume("1", {"n": 5})
    story.go_back_to_a(says=7, fails_once=fails_once)

    runner.resume("1", start_from="b")

    assert story.seen[0] == runner.get_checkpoint("1", "a").context.params["n"] == 7


@pytest.mark.parametrize("fails_once", [False, True])
def test_steps_that_are_done_again_beat_a_context_of_before(runner, story, fails_once):
    runner.execute(story.workflow, {"n": 0}, run_id="1")
    given = WorkflowContext(run_id="1", workflow_name="w", params={"n": 0}, outputs={"a": {"said": -1}})
    runner.execute(story.workflow, context=given, start_from="c")
    assert story.seen[-1] == {"a": -1}
    story.go_back_to_a(says=2, fails_once=fails_once)

    runner.resume("1", start_from="c")

    assert story.seen == [{"a": 2, "b": 2}]


def test_an_override_outlives_going_back_before_it(runner, story):
    runner.execute(story.workflow, {"n": 0, "m": 0}, run_id="1")
    runner.resume("1", {"m": 5})

    runner.resume("1", start_from="a")

    assert runner.get_run("1").params == {"n": 1, "m": 5}


def test_a_run_that_was_born_with_a_context_has_it_from_its_first_step_again(runner, story):
    given = WorkflowContext(run_id="1", workflow_name="w", params={"n": 3}, outputs={"before": {"said": "x"}})
    runner.execute(story.workflow, context=given)
    story.seen.clear()

    runner.resume("1", start_from="a")

    assert story.seen == [1, {"before": "x", "a": 1, "b": 1}]


def test_a_whole_context_beats_an_override_that_no_checkpoint_carries_yet(runner, story):
    runner.execute(story.workflow, {"n": 0}, run_id="1")
    runner.resume("1", {"n": 5})
    given = WorkflowContext(run_id="1", workflow_name="w", params={"n": 1}, outputs={"a": {"said": -1}})

    runner.execute(story.workflow, context=given, start_from="b")
    assert story.seen[-2:] == [1, {"a": -1, "b": 1}]

    runner.resume("1", {"m": 2})
    assert runner.get_run("1").params == runner.get_run("1").context.params == {"n": 1, "m": 2}
