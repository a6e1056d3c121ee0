"""`Progress`: how far a run has come."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from spine.orchestration.result import WorkflowResult
from spine.orchestration.workflow import Workflow
from spine.records.checkpoint import Base
from spine.records.claim import Ending
from spine.records.context import WorkflowContext
from spine.records.run import RunStatus
from spine.steps.step import Step

RUNNING = Ending(status=RunStatus.RUNNING)
COMPLETED = Ending(status=RunStatus.COMPLETED)


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far a run has come: what it knows, what comes next, and what is behind it.

    It belongs to one drive, and moves on only with what is durable. `base` is the newest checkpoint, which the next
    one may build on. `unsaved_skips` are the steps skipped since; the next one notes them. `first_names` are those of
    steps that were renamed.
    """

    workflow: Workflow
    context: WorkflowContext
    index: int
    sequence: int
    base: Base | None = None
    is_resumed: bool
    earlier: frozenset[str] = frozenset()
    first_names: Mapping[str, str] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)
    unsaved_skips: list[str] = field(default_factory=list)
    completed: list[str] = field(default_factory=list)
    durations: dict[str, float] = field(default_factory=dict)
    ending: Ending = RUNNING

    @property
    def step(self) -> Step | None:
        """The step to take now; None when the run has ended."""
        steps = self.workflow.steps
        return steps[self.index] if self.ending is RUNNING and self.index < len(steps) else None

    @property
    def next_step(self) -> str | None:
        """The name of the step after this one; None if this is the last."""
        after, steps = self.index + 1, self.workflow.steps
        return steps[after].name if after < len(steps) else None

    def move_on(self, context: WorkflowContext, *, is_skipped: bool, is_saved: bool) -> None:
        """Note what the run knows now that this step is done, and go to the next one, or end after the last."""
        steps, index = self.workflow.steps, self.index
        self.context = context
        if is_skipped:
            self.skipped.add(steps[index].name)
            self.unsaved_skips.append(steps[index].name)
        else:
            self.completed.append(steps[index].name)
        if is_saved:
            self.sequence += 1
            self.base = Base(sequence=self.sequence, context=context)
            self.unsaved_skips.clear()
        self.index = index + 1
        if self.index == len(steps):
            self.ending = COMPLETED

    def result(self, location: str) -> WorkflowResult:
        """Tell how the drive ended, and where the run is kept."""
        done = self.earlier.union(self.completed)
        names = self.workflow.step_names
        return WorkflowResult(
            status=self.ending.status,
            run_id=self.context.run_id,
            workflow_name=self.workflow.name,
            completed_steps=list(self.completed),
            all_completed_steps=[name for name in names if name in done],
            skipped_steps=[name for name in names if name in self.skipped],
            error_step=self.ending.error_step,
            error=self.ending.error,
            error_type=self.ending.error_type,
            error_category=self.ending.error_category,
            context=self.context.fresh(),
            durations=self.durations,
            location=location,
        )
