"""`Executor`: one step, from its call to its checkpoint: begin, attempt, settle, remember, announce."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from spine import __version__, clock
from spine.codec.limits import Limits
from spine.errors import InvalidInput, NotStorable
from spine.hooks.dispatch import dispatch
from spine.hooks.hook import Hook
from spine.orchestration import params as run_params
from spine.orchestration.checkpointing import CheckpointStrategy, wants_checkpoint
from spine.orchestration.interrupts import Interrupted, Interrupts
from spine.orchestration.progress import Progress
from spine.orchestration.registry import Registry
from spine.records.checkpoint import NewCheckpoint
from spine.records.claim import Ending
from spine.records.event import Event, EventKind
from spine.records.run import RunStatus
from spine.steps.kind import Call
from spine.steps.result import ErrorCategory, Outcome, StepResult
from spine.steps.step import Step
from spine.stores.documents import PYTHON_VERSION
from spine.stores.protocol import RunWriter

_OWN_METADATA = frozenset(
    {"outcome", "reason", "attempt", "started_at", "duration", "skipped", "python_version", "spine_version"}
)
_STEP_EVENTS = {
    Outcome.COMPLETED: EventKind.STEP_COMPLETED,
    Outcome.SKIPPED: EventKind.STEP_SKIPPED,
    Outcome.FAILED: EventKind.STEP_FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """What one attempt of a step gave, and how long it took in seconds."""

    result: StepResult
    started_at: datetime
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Executor:
    """Takes one step of a run at a time; it knows nothing of what comes next."""

    registry: Registry
    writer: RunWriter
    strategy: CheckpointStrategy
    limits: Limits
    interrupts: Interrupts
    hooks: Sequence[Hook]

    def execute(self, step: Step, progress: Progress) -> Progress:
        """Take one step; when this returns, what it did is durable."""
        call = self.begin(step, progress)
        attempted = self.attempt(step, call)
        settled, result = self.settle(step, progress, attempted)
        remembered, result = self.remember(step, settled, result, attempted)
        self.announce(step, remembered, result, attempted)
        return remembered

    def begin(self, step: Step, progress: Progress) -> Call:
        """Make the call, with the pipeline looked up."""
        name = step.kind.pipeline
        function = None if name is None else self.registry.get_pipeline(name)
        self._tell(progress, EventKind.STEP_STARTED, step)
        return Call(context=progress.context, step_name=step.name, is_resumed=progress.is_resumed, function=function)

    def attempt(self, step: Step, call: Call) -> Attempted:
        """Perform the step; the one place where what a user's code raises becomes a result."""
        started_at, start = clock.now(), clock.stopwatch()
        try:
            with self.interrupts.in_step():
                result = step.kind.perform(call)
        except (Interrupted, KeyboardInterrupt) as error:
            self.interrupts.note(getattr(error, "signum", signal.SIGINT))
            result = _interrupted(error)
        except BaseException as error:  # noqa: BLE001  # also sys.exit() in a step is the step's failure
            result = StepResult.from_exception(error)
        return Attempted(result=result, started_at=started_at, seconds=clock.stopwatch() - start)

    def settle(self, step: Step, progress: Progress, attempted: Attempted) -> tuple[Progress, StepResult]:
        """Put the output into the context, through the codec; what cannot be kept fails the step."""
        result = attempted.result
        if result.outcome is Outcome.FAILED:
            return progress, result
        if result.outcome is Outcome.SKIPPED:
            return progress.skipping(step.name, seconds=attempted.seconds), result
        try:
            updates = run_params.checked(result.context_updates, "context_updates", self.limits)
            context = progress.context.with_output(step.name, result.output, result.quality, limits=self.limits)
            if updates:
                context = context.with_params(updates)
        except InvalidInput as error:
            return progress, StepResult.from_exception(error)
        return progress.completing(step.name, context, seconds=attempted.seconds), result

    def remember(
        self, step: Step, progress: Progress, result: StepResult, attempted: Attempted
    ) -> tuple[Progress, StepResult]:
        """Write what must survive: a checkpoint, the end of the run, or both at once."""
        if result.outcome is Outcome.FAILED:
            return self._fail(step, progress, result), result
        after = progress.moved_on()
        ending = None if progress.next_step else after.ending
        if wants_checkpoint(step, result, self.strategy):
            try:
                self._save(step, progress, result, attempted, ending)
            except NotStorable as error:
                failed = StepResult.from_exception(error)
                return self._fail(step, progress, failed), failed
            return after.saved(), result
        if ending is not None:
            self.writer.end_run(ending)
        return after, result

    def announce(self, step: Step, progress: Progress, result: StepResult, attempted: Attempted) -> None:
        """Tell the hooks."""
        kind = _STEP_EVENTS[result.outcome]
        self._tell(progress, kind, step, duration=attempted.seconds, result=result)

    def _save(
        self, step: Step, progress: Progress, result: StepResult, attempted: Attempted, ending: Ending | None
    ) -> None:
        size = self.writer.save_checkpoint(
            NewCheckpoint(
                run_id=progress.context.run_id,
                step_name=step.name,
                sequence=progress.sequence + 1,
                next_step=progress.next_step,
                metadata=_metadata(progress, result, attempted),
                context=progress.context,
            ),
            ending,
        )
        self._tell(progress, EventKind.CHECKPOINT_SAVED, step, size=size)

    def _fail(self, step: Step, progress: Progress, result: StepResult) -> Progress:
        ending = Ending(
            status=RunStatus.FAILED,
            error_step=step.name,
            error=result.error,
            error_type=result.error_type,
            error_category=result.category,
        )
        self.writer.end_run(ending)
        return progress.ended(ending)

    def _tell(
        self,
        progress: Progress,
        kind: EventKind,
        step: Step,
        *,
        duration: float | None = None,
        result: StepResult | None = None,
        **fields: Any,
    ) -> None:
        if not self.hooks:
            return
        where = {"position": progress.workflow.index_of(step.name) + 1, "steps": len(progress.workflow.steps)}
        dispatch(
            self.hooks,
            Event(
                kind=kind,
                run_id=progress.context.run_id,
                workflow_name=progress.workflow.name,
                step=step.name,
                at=clock.now(),
                duration=duration,
                error=result.error if result else None,
                error_type=result.error_type if result else None,
                fields={**where, **fields, **({"reason": result.reason} if result and result.reason else {})},
            ),
        )


def _interrupted(error: BaseException) -> StepResult:
    result = StepResult.fail(str(error) or "interrupted by SIGINT", ErrorCategory.INTERRUPTED)
    return replace(result, error_type=Interrupted.__name__)


def _metadata(progress: Progress, result: StepResult, attempted: Attempted) -> dict[str, Any]:
    taken = _OWN_METADATA & set(result.metadata)
    if taken:
        raise NotStorable(f"metadata.{min(taken)}", "the name is one that Spine itself writes; choose another")
    own: dict[str, Any] = {
        "outcome": result.outcome.value,
        "attempt": 1,
        "started_at": attempted.started_at.isoformat(),
        "duration": round(attempted.seconds, 6),
        "python_version": PYTHON_VERSION,
        "spine_version": __version__,
    }
    if progress.unsaved_skips:
        own["skipped"] = list(progress.unsaved_skips)
    if result.reason:
        own["reason"] = result.reason
    return {**result.metadata, **own}
