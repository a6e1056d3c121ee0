"""Steps that a run may have begun and that its workflow has no more: perhaps they only have new names."""

from collections.abc import Iterator

from spine.errors import DefinitionChanged
from spine.orchestration.checkpointing import CheckpointStrategy, leaves_checkpoint
from spine.orchestration.workflow import Workflow
from spine.records.run import ClaimableRun


def steps_gone(workflow: Workflow, run: ClaimableRun, reached: int, strategy: CheckpointStrategy) -> list[str]:
    """Name those that the run may have begun since its newest checkpoint; `reached` is the first step behind that.

    A failed run says how far it came. A crashed one came no further than the first step that leaves a checkpoint.
    """
    now = workflow.step_names
    begun = _until_failure(run, reached) if run.error_step else _until_checkpoint(workflow, run, reached, strategy)
    return [name for name in begun if name not in now]


def refuse_steps_gone(workflow: Workflow, run: ClaimableRun, reached: int, strategy: CheckpointStrategy) -> None:
    """Let a person decide: what such a step did may be done again under a new idempotency key."""
    if gone := steps_gone(workflow, run, reached, strategy):
        raise DefinitionChanged(
            f"run {run.run_id!r} may have begun {', '.join(map(repr, gone))}, which workflow {workflow.name!r} has no "
            "more; nothing was run. Resume it by hand: with renamed={old: new} (spine resume --renamed OLD=NEW) if it "
            "only has a new name, else as it is"
        )


def _until_failure(run: ClaimableRun, reached: int) -> Iterator[str]:
    for name in run.definition.names[reached:]:
        yield name
        if name == run.error_step:
            return


def _until_checkpoint(
    workflow: Workflow, run: ClaimableRun, reached: int, strategy: CheckpointStrategy
) -> Iterator[str]:
    steps = {step.name: step for step in workflow.steps}
    for name in run.definition.names[reached:]:
        yield name
        if leaves_checkpoint(steps.get(name), strategy):
            return
