"""`ResumePoint`: what the last claim of a run was told."""

from dataclasses import dataclass, field

from spine.records.context import WorkflowContext
from spine.records.values import Values


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumePoint:
    """What the last claim of a run was told and no checkpoint carries yet.

    `step` is where to start, `params` the override, `skipped` the steps passed over, `context` the whole context if
    one was given (else it is that of the latest checkpoint).
    """

    step: str
    params: Values = field(default_factory=Values)
    skipped: tuple[str, ...] = ()
    context: WorkflowContext | None = None
