"""`Executor`: one step, from its call to its checkpoint: begin, attempt, settle, remember, announce."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from spine import __version__, clock
from spine.codec import json as codec
from spine.codec.limits import Limits
from spine.errors import LeaseLost, NotStorable, StoreError
from spine.hooks.dispatch import dispatch
from spine.hooks.hook import Hook
from spine.orchestration import params as run_params
from spine.orchestration.checkpointing import CheckpointStrategy, wants_checkpoint
from spine.orchestration.forks import end_if_forked
from spine.orchestration.heartbeat import RequireLease
from spine.orchestration.interrupts import Interrupted, Interrupts
from spine.orchestration.progress import Progress
from spine.orchestration.registry import Registry
from spine.records.checkpoint import NewCheckpoint
from spine.records.claim import Ending
from spine.records.event import Event, EventKind
from spine.records.run import RunStatus
from spine.steps.kind import Call
from spine.steps.result import ErrorCategory, Outcome, StepResult
from spine.steps.secrets import Resolver, Secrets
from spine.steps.step import Step
from spine.stores.protocol import RunWriter
from spine.stores.snapshots import PYTHON_VERSION

_OWN_METADATA = frozenset(
    {"outcome", "reason", "attempt", "started_at", "duration", "skipped", "python_version", "spine_version"}
)
LONGEST_TOLD = Limits(max_bytes=64 * 1024)  # of each part of a failure, in the history
_OUTCOME_EVENTS = {
    Outcome.COMPLETED: EventKind.STEP_COMPLETED,
    Outcome.SKIPPED: EventKind.STEP_SKIPPED,
    Outcome.FAILED: EventKind.STEP_FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One step's turn, handed from verb to verb: where the run was, what the step gave, where the run is now."""

    step: Step
    before: Progress
    after: Progress
    call: Call
    result: StepResult
    started_at: datetime
    seconds: float = 0.0

    def failed(self, result: StepResult) -> "Turn":
        """Give the turn as one that failed: the run stands where it stood, and has ended."""
        result = self.call.secrets.masked(result).shortened()
        ending = Ending(
            status=RunStatus.FAILED,
            error_step=self.step.name,
            error=result.error,
            error_type=result.error_type,
            error_category=None if result.category is None else result.category.value,
            told=_told(result),
        )
        return replace(self, result=result, after=self.before.failing(self.step.name, ending, seconds=self.seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Executor:
    """Takes one step of a run at a time; it knows nothing of what comes next."""

    registry: Registry
    writer: RunWriter
    strategy: CheckpointStrategy
    limits: Limits
    interrupts: Interrupts
    require_lease: RequireLease
    secrets: Resolver
    hooks: Sequence[Hook]

    def execute(self, step: Step, progress: Progress) -> Progress:
        """Take one step; when this returns, what it did is durable."""
        turn = self.begin(step, progress)
        turn = self.attempt(turn)
        turn = self.settle(turn)
        turn = self.remember(turn)
        self.announce(turn)
        return turn.after

    def begin(self, step: Step, progress: Progress) -> Turn:
        """Make the call, with the pipeline looked up."""
        pipeline = step.kind.pipeline
        call = Call(
            context=progress.context,
            step_name=step.name,
            is_resumed=progress.is_resumed,
            secrets=Secrets(self.secrets),
            function=None if pipeline is None else self.registry.get_pipeline(pipeline),
        )
        self._tell(EventKind.STEP_STARTED, progress, step)
        nothing_yet = StepResult.ok()
        return Turn(step=step, before=progress, after=progress, call=call, result=nothing_yet, started_at=clock.now())

    def attempt(self, turn: Turn) -> Turn:
        """Perform the step; the one place where what a user's code raises becomes a result.

        Raise `LeaseLost` if somebody took the run over while this process slept: then the step is not started.
        """
        self.require_lease()
        start = clock.stopwatch()
        try:
            with self.interrupts.in_step(), end_if_forked():
                result = turn.step.kind.perform(turn.call)
        except (Interrupted, KeyboardInterrupt) as error:
            self.interrupts.note(getattr(error, "signum", signal.SIGINT))
            result = StepResult.fail(str(error) or "interrupted by SIGINT", ErrorCategory.INTERRUPTED)
            result = replace(result, error_type=Interrupted.__name__)
        except BaseException as error:  # noqa: BLE001  # also sys.exit() in a step is the step's failure
            result = StepResult.from_exception(error)
        result = turn.call.secrets.masked(result).shortened()
        return replace(turn, result=result, seconds=clock.stopwatch() - start)

    def settle(self, turn: Turn) -> Turn:
        """Put the output into the context, through the codec; what cannot be kept fails the step."""
        result, before = turn.result, turn.before
        if result.outcome is Outcome.FAILED:
            return turn.failed(result)
        if result.outcome is Outcome.SKIPPED:
            return replace(turn, after=before.skipping(turn.step.name, seconds=turn.seconds))
        try:
            updates = run_params.updates(result.context_updates, turn.call, self.limits)
            context = before.context.with_output(turn.step.name, result.output, result.quality, limits=self.limits)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # whatever a user's value does when it is looked at
            return turn.failed(StepResult.from_exception(error))
        if updates:
            context = context.with_params(updates)
        return replace(turn, after=before.completing(turn.step.name, context, seconds=turn.seconds))

    def remember(self, turn: Turn) -> Turn:
        """Write what must survive: a checkpoint, the end of the run, or both at once."""
        try:
            return self._remember(turn)
        except NotStorable as error:
            return self._remember(turn.failed(StepResult.from_exception(error)))
        except StoreError as error:
            return self._remember_failure(turn, error)

    def announce(self, turn: Turn) -> None:
        """Tell the hooks."""
        kind = _OUTCOME_EVENTS[turn.result.outcome]
        self._tell(kind, turn.before, turn.step, duration=turn.seconds, result=turn.result)

    def _remember(self, turn: Turn) -> Turn:
        if turn.result.outcome is Outcome.FAILED:
            self.writer.end_run(turn.after.ending)
            return turn
        moved = turn.after.moved_on()
        ending = None if moved.ending.status is RunStatus.RUNNING else moved.ending
        if wants_checkpoint(turn.step, turn.result, self.strategy):
            size = self.writer.save_checkpoint(_checkpoint(turn), ending)
            self._tell(EventKind.CHECKPOINT_SAVED, turn.before, turn.step, size=size)
            moved = moved.saved()
        elif ending is not None:
            self.writer.end_run(ending)
        else:
            self.require_lease(asking=True)  # no write told whether somebody took the run over meanwhile
        return replace(turn, after=moved)

    def _remember_failure(self, turn: Turn, error: StoreError) -> Turn:
        """Record that the database failed this step, if it lets us; else what it raised first goes on."""
        failed = turn.failed(StepResult.from_exception(error))
        try:
            return self._remember(failed)
        except (StoreError, LeaseLost):  # LeaseLost: it may have ended the run before its answer was lost
            raise error from None

    def _tell(
        self,
        kind: EventKind,
        progress: Progress,
        step: Step,
        *,
        duration: float | None = None,
        result: StepResult | None = None,
        **fields: Any,
    ) -> None:
        said = {"reason": result.reason} if result and result.reason else {}
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
                traceback=result.traceback if result else None,
                fields={"position": progress.position + 1, "steps": len(progress.workflow.steps), **fields, **said},
            ),
        )


def _told(result: StepResult) -> dict[str, Any]:
    """Give what a failed step measured and where it failed, as far as it can be kept."""
    quality = None if result.quality is None else result.quality.as_dict()
    told = {"quality": quality, "output": dict(result.output), "traceback": result.traceback}
    return {name: value for name, value in told.items() if value and _is_keepable(value)}


def _is_keepable(value: Any) -> bool:
    try:
        codec.encode(value, limits=LONGEST_TOLD)
    except NotStorable:
        return False
    return True


def _checkpoint(turn: Turn) -> NewCheckpoint:
    return NewCheckpoint(
        run_id=turn.after.context.run_id,
        step_name=turn.step.name,
        sequence=turn.after.sequence + 1,
        next_step=turn.after.next_step,
        metadata=_metadata(turn),
        context=turn.after.context,
        base=turn.after.base,
    )


def _metadata(turn: Turn) -> dict[str, Any]:
    result = turn.result
    taken = _OWN_METADATA & set(result.metadata)
    if taken:
        raise NotStorable(f"metadata.{min(taken)}", "the name is one that Spine itself writes; choose another")
    own: dict[str, Any] = {
        "outcome": result.outcome.value,
        "attempt": turn.call.attempt,
        "started_at": turn.started_at.isoformat(),
        "duration": round(turn.seconds, 6),
        "python_version": PYTHON_VERSION,
        "spine_version": __version__,
    }
    if turn.after.unsaved_skips:
        own["skipped"] = list(turn.after.unsaved_skips)
    if result.reason:
        own["reason"] = result.reason
    return {**result.metadata, **own}
