"""`NewRun` and `Claim`: what a driver asks of the store before it may drive."""

from dataclasses import dataclass

from spine.records.context import WorkflowContext
from spine.records.resume_point import ResumePoint
from spine.records.run import Definition, RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run before it is written, with the first context and whose lease it is born with."""

    context: WorkflowContext
    definition: Definition
    current_step: str
    holder: str
    lease_seconds: float
    resume_point: ResumePoint | None = None

    @property
    def run_id(self) -> str:
        """The id that the run will have."""
        return self.context.run_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A wish to drive an existing run, judged against the run as it was seen (`seen_status`, `seen_fence`).

    `removed_steps` lose their checkpoints in the transaction that grants it.
    """

    run_id: str
    seen_status: RunStatus
    seen_fence: int
    definition: Definition
    current_step: str
    holder: str
    lease_seconds: float
    resume_point: ResumePoint | None = None
    removed_steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ends, with the error if it failed."""

    status: RunStatus
    error_step: str | None = None
    error: str | None = None
    error_type: str | None = None
    error_category: str | None = None
