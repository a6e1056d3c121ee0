"""What a context that the caller brings (`context=`) may be."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from spine.codec import json as codec
from spine.codec.limits import WIDE_LIMITS, Limits
from spine.errors import InvalidParams, type_of
from spine.orchestration.params import checked
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
    return replace(plain, params=checked(plain.params, "the params of the context", limits))


def of_run(context: WorkflowContext, known: WorkflowContext) -> WorkflowContext:
    """Give it with the partition of its run, which nobody can change; raise `InvalidParams` if it has another."""
    if context.partition and not _is_same(context.partition, known.partition):
        raise InvalidParams(
            f"run {known.run_id!r} is for the partition {dict(known.partition)}, and the context for "
            f"{dict(context.partition)}; start a new run for another one"
        )
    return replace(context.plain(), partition=known.partition)


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Compare what is stored too: NaN does not equal itself."""
    first, second = (codec.encode(dict(each), limits=WIDE_LIMITS) for each in (one, other))
    return one == other or first == second
