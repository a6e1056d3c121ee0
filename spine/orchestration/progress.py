"""`Progress`: how far a run has come, from one step to the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from spine.orchestration.result import WorkflowResult
from spine.orchestration.workflow import Workflow
from spine.records.checkpoint import Base
from spine.records.claim import Ending
from spine.records.context import WorkflowContext
from spine.records.run import RunStatus
from spine.steps.step import Step

RUNNING = Ending(status=RunStatus.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run has come: what it knows, what comes next, and what is behind it.

    `base` is the newest checkpoint, which the next one may build on. `unsaved_skips` are the steps skipped since;
    the next one notes them.
    """

    workflow: Workflow
    context: WorkflowContext
    position: int
    sequence: int
    base: Base | None = None
    is_resumed: bool
    earlier: frozenset[str] = frozenset()
    skipped: frozenset[str] = frozenset()
    unsaved_skips: tuple[str, ...] = ()
    completed: tuple[str, ...] = ()
    durations: Mapping[str, float] = field(default_factory=dict)
    ending: Ending = RUNNING

    @property
    def step(self) -> Step | None:
        """The step to take now; None at the end."""
        return self.workflow.steps[self.position] if self.position < len(self.workflow.steps) else None

    @property
    def next_step(self) -> str | None:
        """The name of the step after this one; None if this is the last."""
        after = self.position + 1
        return self.workflow.steps[after].name if after < len(self.workflow.steps) else None

    def completing(self, name: str, context: WorkflowContext, *, seconds: float) -> "Progress":
        """Give the progress with this step completed."""
        return replace(
            self,
            context=context,
            completed=(*self.completed, name),
            durations={**self.durations, name: seconds},
        )

    def skipping(self, name: str, *, seconds: float) -> "Progress":
        """Give the progress with this step skipped."""
        return replace(
            self,
            skipped=self.skipped | {name},
            unsaved_skips=(*self.unsaved_skips, name),
            durations={**self.durations, name: seconds},
        )

    def saved(self) -> "Progress":
        """Give the progress after a checkpoint."""
        sequence = self.sequence + 1
        return replace(self, sequence=sequence, base=Base(sequence=sequence, context=self.context), unsaved_skips=())

    def moved_on(self) -> "Progress":
        """Give the progress at the next step, or completed after the last."""
        ending = self.ending if self.next_step else Ending(status=RunStatus.COMPLETED)
        return replace(self, position=self.position + 1, ending=ending)

    def failing(self, name: str, ending: Ending, *, seconds: float) -> "Progress":
        """Give the progress of a run that this step ended."""
        return replace(self, ending=ending, durations={**self.durations, name: seconds})

    def ended(self, ending: Ending) -> "Progress":
        """Give the progress of a run that ends here."""
        return replace(self, ending=ending)

    def result(self) -> WorkflowResult:
        """Tell how the attempt ended."""
        done = self.earlier | frozenset(self.completed)
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
        )
