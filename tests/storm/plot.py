"""From a story to a workflow whose steps write the diary, as the process that performs them plays it."""

import time
from functools import partial
from random import Random
from typing import Any

from spine.orchestration import QualityMetrics, Step, StepResult, Workflow
from tests.storm import diary
from tests.storm.order import Order
from tests.storm.story import Scene, Seen, Story


class BadLuck(Exception):
    """What the dice make of a step now and then."""


# How a run may fail in a storm: by the dice, in each way a step can fail, or by a signal.
FAILURES = frozenset({"BadLuck", "StepFailed", "NotStorable", "SystemExit", "Interrupted"})


def workflow_of(story: Story, order: Order, attempt: str) -> Workflow:
    """Make the workflow as one attempt performs it."""
    acts = [
        Step.lambda_(scene.name, partial(_perform, scene, story, order, attempt), checkpoint=scene.checkpoint)
        for scene in story.scenes
    ]
    return Workflow(story.workflow_name, acts)


def _perform(scene: Scene, story: Story, order: Order, attempt: str, ctx: Any, config: dict[str, Any]) -> Any:
    seen = Seen.by(ctx)
    path = order.diary(story.run_id)
    diary.note(path, "start", attempt=attempt, step=scene.name, seen=seen.digest)
    time.sleep(scene.seconds)
    output = seen.output_of(scene)
    failure = _failure(scene, story, order, attempt)
    if failure is not None:
        return failure(output)
    _spoil(seen)
    diary.note(path, "end", attempt=attempt, step=scene.name)
    return StepResult.ok(
        output,
        context_updates=scene.updates,
        quality=None if scene.record_count is None else QualityMetrics(record_count=scene.record_count),
        metadata={"storm_attempt": attempt},
        checkpoint=True if scene.is_forced else None,
    )


def _failure(scene: Scene, story: Story, order: Order, attempt: str) -> Any:
    """Decide by the dice whether and how this step fails now."""
    if order.fails_at is not None:
        return _raise if story.step_names[order.fails_at] == scene.name else None
    dice = Random(f"{order.dice}/{attempt}/{scene.name}")
    return dice.choice(WAYS_TO_FAIL) if dice.random() < order.bad_luck else None


def _raise(output: dict[str, Any]) -> None:
    raise BadLuck("bad luck, with a NUL \0 and a lone surrogate \udfff")


def _exit(output: dict[str, Any]) -> None:
    raise SystemExit(3)


def _say_so(output: dict[str, Any]) -> StepResult:
    return StepResult.fail("bad luck", output=output)


def _return_what_cannot_be_kept(output: dict[str, Any]) -> StepResult:
    return StepResult.ok({**output, "rows": [{"price": object()}]})


WAYS_TO_FAIL = (_raise, _exit, _say_so, _return_what_cannot_be_kept)


def _spoil(seen: Seen) -> None:
    """Change what this step was given: no later step may see it."""
    for output in seen.outputs.values():
        output["seen"] = "spoiled"
    for value in (*seen.params.values(), *(output["value"] for output in seen.outputs.values())):
        if isinstance(value, (list, dict, set)):
            value.clear()
