"""`Override`: what a claim said of a run's params, for as long as the run lives."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from spine.records.context import WorkflowContext
from spine.records.values import Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Params, or a whole context, that a claim was told when `after` was the sequence of the run's newest checkpoint.

    Checkpoints with a higher sequence carry it; whoever goes back to an earlier one must be told it again. A whole
    `context` is that before `step`.
    """

    after: int
    step: str
    params: Values = field(default_factory=Values)
    context: WorkflowContext | None = None


def overridden(
    context: WorkflowContext, overrides: Iterable[Override], *, sequence: int, reached: Sequence[str]
) -> WorkflowContext:
    """Give the context of the checkpoint of this sequence (0: the first context) with what was told after it.

    `reached` are the steps up to the one at which the run stands: no context for a step further on is taken.
    """
    for override in overrides:
        if override.after >= sequence:
            given = override.context if override.step in reached else None
            context = (given or context).with_params(override.params)
    return context


def since(overrides: Iterable[Override], sequence: int) -> tuple[Override, ...]:
    """Give the overrides as those of a run whose newest checkpoint has this sequence now: later ones were removed."""
    return tuple(replace(each, after=sequence) if each.after > sequence else each for each in overrides)


def followed(overrides: Sequence[Override], latest: Override) -> tuple[Override, ...]:
    """Give the overrides with one more; of the contexts for one step after one checkpoint only the last is kept.

    Params are kept, since they count where the context does not. Those that follow upon another override of the same
    checkpoint become part of it.
    """
    told = (*overrides, latest)
    last = {(each.after, each.step): index for index, each in enumerate(told) if each.context is not None}
    kept: list[Override] = []
    for index, each in enumerate(told):
        context = each.context if last.get((each.after, each.step)) == index else None
        if context is None and kept and kept[-1].after == each.after:
            kept[-1] = replace(kept[-1], params=kept[-1].params.merged(each.params))
        elif context is not None or each.params:
            kept.append(replace(each, context=context))
    return tuple(kept)
