"""What a context that the caller brings (`context=`) may be."""

from dataclasses import replace

from spine.codec.limits import Limits
from spine.errors import InvalidParams, type_of
from spine.orchestration.params import checked, checked_partition
from spine.records.context import WorkflowContext


def judged(
    context: WorkflowContext | None, workflow: str, run_id: str | None, limits: Limits
) -> WorkflowContext | None:
    """Give a context as one of no step, with the params of the run alone; raise `InvalidParams` if it does not fit."""
    if context is None:
        return None
    if not isinstance(context, WorkflowContext):
        raise InvalidParams(f"context must be a WorkflowContext, not {type_of(context)}")
    if run_id not in (None, context.run_id):
        raise InvalidParams(f"the context belongs to run {context.run_id!r}, not {run_id!r}; leave run_id out")
    if context.workflow_name != workflow:
        raise InvalidParams(f"the context is one of workflow {context.workflow_name!r}, not {workflow!r}")
    plain = context.plain()
    return replace(
        plain,
        params=checked(plain.params, "the params of the context", limits),
        partition=checked_partition(plain.partition, limits),
    )


def of_run(context: WorkflowContext, known: WorkflowContext) -> WorkflowContext:
    """Give it with the partition of its run, which nobody can change; raise `InvalidParams` if it has another."""
    if context.partition and context.partition != known.partition:
        raise InvalidParams(
            f"run {known.run_id!r} is for the partition {dict(known.partition)}, and the context for "
            f"{dict(context.partition)}; start a new run for another one"
        )
    return replace(context.plain(), partition=known.partition)
