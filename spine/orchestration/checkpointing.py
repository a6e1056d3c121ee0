"""Save after this step? The result decides, else the step, else the strategy."""

from enum import StrEnum
from typing import Any

from spine.errors import InvalidSetting
from spine.orchestration.workflow import Workflow
from spine.steps.result import StepResult
from spine.steps.step import Step


class CheckpointStrategy(StrEnum):
    """After which steps a checkpoint is saved: all of them, or those marked `checkpoint=True`."""

    EVERY_STEP = "every_step"
    KEY_STEPS = "key_steps"


def parse_strategy(given: Any) -> CheckpointStrategy | None:
    """Read a strategy's name; None means that the workflow decides."""
    if given is None:
        return None
    try:
        return CheckpointStrategy(given)
    except ValueError:
        known = ", ".join(CheckpointStrategy)
        raise InvalidSetting(f"no checkpoint strategy {given!r}; there are: {known}") from None


def strategy_for(workflow: Workflow, given: CheckpointStrategy | None) -> CheckpointStrategy:
    """Take the given strategy, else `key_steps` for a workflow with marked steps, else `every_step`."""
    if given is not None:
        return given
    marked = any(step.checkpoint is True for step in workflow.steps)
    return CheckpointStrategy.KEY_STEPS if marked else CheckpointStrategy.EVERY_STEP


def wants_checkpoint(step: Step, result: StepResult, strategy: CheckpointStrategy) -> bool:
    """Tell whether a finished step is to be checkpointed."""
    return leaves_checkpoint(step, strategy) if result.checkpoint is None else result.checkpoint


def leaves_checkpoint(step: Step, strategy: CheckpointStrategy) -> bool:
    """Tell whether a step is to be checkpointed where its result does not decide."""
    return strategy is CheckpointStrategy.EVERY_STEP if step.checkpoint is None else step.checkpoint


def unsaved_steps(workflow: Workflow, strategy: CheckpointStrategy) -> frozenset[str]:
    """Name the steps that leave no checkpoint unless their result says otherwise."""
    return frozenset(step.name for step in workflow.steps if not leaves_checkpoint(step, strategy))
