"""`NewRun` and `Claim`: what a driver asks of the store before it may drive; `Ending`: what it says afterwards."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from spine.records.context import WorkflowContext
from spine.records.event import EventKind
from spine.records.override import Override
from spine.records.resume_point import ResumePoint
from spine.records.run import Definition, RunStatus


class NewRun(NamedTuple):
    """A run before it is written, with the first context and whose lease it is born with."""

    context: WorkflowContext
    definition: Definition
    current_step: str
    holder: str
    lease_seconds: float
    resume_point: ResumePoint | None = None
    overrides: tuple[Override, ...] = ()
    reason: str | None = None

    @property
    def run_id(self) -> str:
        """The id that the run will have."""
        return self.context.run_id

    @property
    def first_context(self) -> WorkflowContext:
        """What the run itself keeps of its context: no outputs, which it can only have been given."""
        return WorkflowContext(
            run_id=self.run_id,
            workflow_name=self.context.workflow_name,
            params=self.context.params,
            partition=self.context.partition,
            defaulted=self.definition.defaulted,
        )

    @property
    def details(self) -> Mapping[str, Any]:
        """What the history tells of its start: where, if not at the first step."""
        point = self.resume_point
        return {} if point is None else {"from_step": point.step, "passed_over": list(point.skipped)}


class Claim(NamedTuple):
    """A wish to drive an existing run, judged against the run as it was seen: status, fence and newest checkpoint.

    In the transaction that grants it the `removed_steps` lose their checkpoints, then the `renamed_steps` (old name to
    new) get their new names wherever the run's checkpoints have the old ones. `overrides` are all that the run has from
    then on, in order; `followed` says what of earlier ones is kept. `details` tell the history what was asked.
    """

    run_id: str
    seen_status: RunStatus
    seen_fence: int
    seen_sequence: int
    definition: Definition
    current_step: str
    holder: str
    lease_seconds: float
    resume_point: ResumePoint | None = None
    overrides: tuple[Override, ...] = ()
    removed_steps: tuple[str, ...] = ()
    renamed_steps: Mapping[str, str] = MappingProxyType({})
    reason: str | None = None
    details: Mapping[str, Any] = MappingProxyType({})

    @property
    def event_kind(self) -> EventKind:
        """What the history calls it: a run that says running had a driver that is gone."""
        return EventKind.RUN_TAKEN_OVER if self.seen_status is RunStatus.RUNNING else EventKind.RUN_RESUMED


class Ending(NamedTuple):
    """How a run ends, with the error if it failed; `told` is what else the history is to keep of it."""

    status: RunStatus
    error_step: str | None = None
    error: str | None = None
    error_type: str | None = None
    error_category: str | None = None
    told: Mapping[str, Any] = MappingProxyType({})

    @property
    def event_kind(self) -> EventKind:
        """What the history calls it."""
        return _ENDINGS[self.status]

    @property
    def details(self) -> Mapping[str, Any]:
        """What the history keeps of an error."""
        told = {"error": self.error, "error_type": self.error_type, "error_category": self.error_category}
        return {**{name: value for name, value in told.items() if value is not None}, **self.told}


_ENDINGS = {
    RunStatus.COMPLETED: EventKind.RUN_COMPLETED,
    RunStatus.FAILED: EventKind.RUN_FAILED,
    RunStatus.CANCELLED: EventKind.RUN_CANCELLED,
    RunStatus.WAITING: EventKind.RUN_WAITING,
}
