"""`Run`: one execution of a workflow, and which status may follow which."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from spine.errors import StoreError
from spine.records.context import WorkflowContext
from spine.records.lease import Lease
from spine.records.override import Override
from spine.records.resume_point import ResumePoint

CRASHED = "crashed"


class RunStatus(StrEnum):
    """Where a run stands. *Crashed* is none of these: it is a running run whose lease has expired."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether the run has ended, well or not."""
        return self in _FINAL

    def may_become(self, other: "RunStatus") -> bool:
        """Tell whether a run of this status may be given the other."""
        return other in _NEXT[self]


_FINAL = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED})
_ENDS = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.WAITING})
_HAPPENED = frozenset({RunStatus.COMPLETED.value, RunStatus.FAILED.value, CRASHED})
_NEXT: Mapping[RunStatus, frozenset[RunStatus]] = {
    RunStatus.PENDING: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED}),
    RunStatus.RUNNING: _ENDS | {RunStatus.RUNNING},
    RunStatus.WAITING: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED}),
    RunStatus.COMPLETED: frozenset({RunStatus.RUNNING}),
    RunStatus.FAILED: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED}),
    RunStatus.CANCELLED: frozenset({RunStatus.RUNNING}),
}


def standing(state: str) -> str:
    """Say how a run stands: `has failed`, `is running`."""
    return f"{'has' if state in _HAPPENED else 'is'} {state}"


class Removal(StrEnum):
    """Why a run's checkpoints are gone."""

    EXPIRED = "expired"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDefinition:
    """A step as the run remembers it."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """The steps of the workflow when the run was last started.

    `source` is where it was defined (`file:line`, for people). `defaulted` names the params that came from its
    defaults. `first_names` maps the present name of a renamed step to its first one, of which its idempotency keys are
    still made. `unsaved` names the steps that leave no checkpoint unless their result says otherwise; it is None where
    that was not noted. `begun` names steps that earlier drives may have begun without leaving a checkpoint.
    """

    steps: tuple[StepDefinition, ...]
    source: str = ""
    defaulted: frozenset[str] = frozenset()
    first_names: Mapping[str, str] = field(default_factory=dict)
    unsaved: frozenset[str] | None = frozenset()
    begun: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        """The step names, in order."""
        return tuple(step.name for step in self.steps)

    def up_to(self, step: str | None) -> tuple[str, ...]:
        """Give the names up to this step, and it too; all if it is none of them."""
        names = self.names
        return names[: names.index(step) + 1] if step in names else names

    def leaves_checkpoint(self, step: str) -> bool:
        """Tell whether this step is known to leave a checkpoint unless its result says otherwise."""
        return self.unsaved is not None and step not in self.unsaved

    def up_to_checkpoint(self, index: int) -> tuple[str, ...]:
        """Give the names up to the first step from this index on that leaves a checkpoint, and it too."""
        return self.up_to(next(filter(self.leaves_checkpoint, self.names[index:]), None))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A run without its context: what a list shows. All times are UTC."""

    run_id: str
    workflow_name: str
    status: RunStatus
    definition: Definition
    current_step: str | None = None
    error_step: str | None = None
    error: str | None = None
    error_type: str | None = None
    error_category: str | None = None
    fence: int = 0
    lease: Lease | None = None
    is_crashed: bool = False
    parent_run_id: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    updated_at: datetime
    removed_at: datetime | None = None
    removed_because: Removal | None = None

    @property
    def state(self) -> str:
        """The status, or `crashed`."""
        return CRASHED if self.is_crashed else self.status.value

    def begun_from(self, index: int) -> tuple[str, ...]:
        """Name the steps from this index on that may have begun although no checkpoint says so.

        A completed run came to its end, and a failed drive says how far it came; any other came no further than the
        first step that leaves a checkpoint.
        """
        defined = self.definition
        if self.status is RunStatus.COMPLETED:
            return defined.names[index:]
        last = defined.up_to_checkpoint(index) if self.error_step is None else defined.up_to(self.error_step)
        begun = {*last, *defined.begun}
        return tuple(name for name in defined.names[index:] if name in begun)


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedRun:
    """A run whose row could not be read, and why."""

    run_id: str
    workflow_name: str
    error: StoreError


class RunList(list[RunSummary]):
    """Runs, the oldest first; those that fit and could not be read are in `damaged`."""

    def __init__(self, runs: Iterable[RunSummary] = (), damaged: Iterable[DamagedRun] = ()) -> None:
        super().__init__(runs)
        self.damaged = tuple(damaged)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimableRun(RunSummary):
    """A run as a claim judges it, with what the claims before were told; no snapshot was read.

    `last_sequence` is that of its newest checkpoint, 0 without any.
    """

    resume_point: ResumePoint | None = None
    overrides: tuple[Override, ...] = ()
    last_sequence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(RunSummary):
    """A run with its context: that of the latest checkpoint, else the first, with the overrides told since."""

    context: WorkflowContext

    @property
    def params(self) -> Mapping[str, Any]:
        """The params of the context."""
        return self.context.params

    @property
    def partition(self) -> Mapping[str, Any]:
        """The business key the run is for."""
        return self.context.partition
