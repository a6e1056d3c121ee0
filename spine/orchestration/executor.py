"""`Executor`: one step, from its call to its checkpoint: begin, attempt, settle, remember, announce."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from spine import clock
from spine.codec.limits import Limits
from spine.errors import LeaseLost, NotStorable, SpineError, StoreError, class_name
from spine.hooks.dispatch import Audience, dispatch
from spine.hooks.hook import Hook
from spine.orchestration import params as run_params
from spine.orchestration.checkpointing import CheckpointStrategy, wants_checkpoint
from spine.orchestration.forks import Forks
from spine.orchestration.heartbeat import Pulse
from spine.orchestration.interrupts import Interrupted, Interrupts
from spine.orchestration.progress import COMPLETED, Progress
from spine.orchestration.registry import Registry
from spine.orchestration.turn import Turn, kept_metadata
from spine.records.claim import Ending
from spine.records.event import Event, EventKind
from spine.steps.kind import Call
from spine.steps.result import ErrorCategory, Outcome, StepResult, error_text
from spine.steps.secrets import Resolver, Secrets
from spine.steps.step import Step
from spine.stores.protocol import RunWriter

_NOTHING_YET = StepResult.ok()
_QUICKEST_LOOP = 5e-5  # seconds; no loop of asyncio is opened and closed sooner
_OUTCOME_EVENTS = {
    Outcome.COMPLETED: EventKind.STEP_COMPLETED,
    Outcome.SKIPPED: EventKind.STEP_SKIPPED,
    Outcome.FAILED: EventKind.STEP_FAILED,
}


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class Executor:
    """Takes one step of a run at a time."""

    registry: Registry
    writer: RunWriter
    strategy: CheckpointStrategy
    limits: Limits
    interrupts: Interrupts
    forks: Forks
    pulse: Pulse
    secrets: Resolver
    audience: Audience

    def execute(self, step: Step, progress: Progress) -> None:
        """Take one step; when this returns, what it did is durable, and the progress tells of it."""
        turn = self.begin(step, progress)
        self.attempt(turn)
        self.settle(turn)
        self.remember(turn, progress)
        self.announce(turn, progress)

    def begin(self, step: Step, progress: Progress) -> Turn:
        """Look up the pipeline and make the call; if the lease is lost, raise `LeaseLost` before any hook is told."""
        pipeline = step.kind.pipeline
        call = Call(
            context=progress.context,
            step_name=step.name,
            first_name=progress.first_names.get(step.name),
            is_resumed=progress.is_resumed,
            secrets=Secrets(self.secrets),
            function=None if pipeline is None else self.registry.get_pipeline(pipeline),
        )
        turn = Turn(
            step=step,
            position=progress.index + 1,
            call=call,
            context=progress.context,
            started_at=clock.now(),
            result=_NOTHING_YET,
        )
        if hooks := self.audience[EventKind.STEP_STARTED]:
            self.pulse.require(self.writer.require_lease)
            self._tell(hooks, EventKind.STEP_STARTED, turn, progress)
        return turn

    def attempt(self, turn: Turn) -> None:
        """Perform the step; the one place where what a user's code raises becomes a result.

        Raise `LeaseLost` if somebody took the run over while this process slept: then the step is not started.
        """
        self.pulse.require(self.writer.require_lease)
        start = clock.stopwatch()
        try:
            try:
                with self.interrupts, self.forks:
                    result = turn.step.kind.perform(turn.call)
            finally:
                turn.seconds = clock.stopwatch() - start
                if turn.seconds > _QUICKEST_LOOP:
                    self.interrupts.take_back()
        except (Interrupted, KeyboardInterrupt) as error:
            self.interrupts.note(getattr(error, "signum", signal.SIGINT))
            result = StepResult.fail(_interruption(error), ErrorCategory.INTERRUPTED)
            result = replace(result, error_type=Interrupted.__name__)
        except BaseException as error:  # noqa: BLE001  # also sys.exit() in a step is the step's failure
            result = StepResult.from_exception(error)
        turn.result = result

    def settle(self, turn: Turn) -> None:
        """Put the output into the context, through the codec; what cannot be kept fails the step."""
        result, before = turn.result, turn.context
        if result.outcome is Outcome.FAILED:
            turn.fail(result)
            return
        if result.reason is not None:
            turn.result = result = turn.sayable(result)
        try:
            if result.metadata:
                turn.result = replace(result, metadata=kept_metadata(result.metadata, self.limits))
            if result.outcome is Outcome.SKIPPED:
                return
            given = result.context_updates
            updates = run_params.updates(given, turn.call, self.limits) if given else None
            context = before.with_output(turn.step.name, result.output, result.quality, limits=self.limits)
            turn.context = context.with_params(updates) if updates else context
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # whatever a user's value does when it is looked at
            turn.fail(StepResult.from_exception(error))

    def remember(self, turn: Turn, progress: Progress) -> None:
        """Write what must survive: a checkpoint, the end of the run, or both at once."""
        try:
            self._write(turn, progress)
        except NotStorable as error:
            turn.fail(StepResult.from_exception(error))
            self._write(turn, progress)
        except (StoreError, MemoryError) as error:
            if turn.ending is None:  # else it failed by itself, and that is what there is to tell
                turn.fail(StepResult.from_exception(error))
            self._write_failure(turn, progress, error)

    def announce(self, turn: Turn, progress: Progress) -> None:
        """Tell the hooks."""
        kind = _OUTCOME_EVENTS[turn.result.outcome]
        if hooks := self.audience[kind]:
            self._tell(hooks, kind, turn, progress, duration=turn.seconds)

    def _write(self, turn: Turn, progress: Progress) -> None:
        if turn.ending is not None:
            self._write_ending(turn, turn.ending)
            progress.durations[turn.step.name], progress.ending = turn.seconds, turn.ending
            return
        is_saved = wants_checkpoint(turn.step, turn.result, self.strategy)
        if is_saved:
            new = turn.checkpoint(progress)
            size = self.writer.save_checkpoint(new, COMPLETED if new.next_step is None else None)
            if hooks := self.audience[EventKind.CHECKPOINT_SAVED]:
                self._tell(hooks, EventKind.CHECKPOINT_SAVED, turn, progress, size=size)
        elif progress.next_step is None:
            self.writer.end_run(turn.completion(progress))
        else:
            self.writer.require_lease()  # no write told whether somebody took the run over meanwhile
        progress.durations[turn.step.name] = turn.seconds
        progress.move_on(turn.context, is_skipped=turn.result.outcome is Outcome.SKIPPED, is_saved=is_saved)

    def _write_ending(self, turn: Turn, ending: Ending) -> None:
        """End the run with a failure; the error that keeps it from being written carries a note of that failure."""
        try:
            self.writer.end_run(ending)
        except (SpineError, MemoryError) as error:
            error.add_note(turn.failure())
            raise

    def _write_failure(self, turn: Turn, progress: Progress, error: StoreError | MemoryError) -> None:
        """Record how this step failed, if the database lets us; else what was raised first goes on."""
        try:
            self._write(turn, progress)
        except (StoreError, LeaseLost):  # LeaseLost: it may have ended the run before its answer was lost
            raise error from None

    def _tell(
        self,
        hooks: Sequence[Hook],
        kind: EventKind,
        turn: Turn,
        progress: Progress,
        *,
        duration: float | None = None,
        **fields: Any,
    ) -> None:
        result = turn.result
        said = {"reason": result.reason} if result.reason else {}
        event = Event(
            kind=kind,
            run_id=turn.context.run_id,
            workflow_name=progress.workflow.name,
            step=turn.step.name,
            at=clock.now(),
            duration=duration,
            error=result.error,
            error_type=result.error_type,
            traceback=result.traceback,
            fields={"position": turn.position, "steps": len(progress.workflow.steps), **fields, **said},
        )
        with self.forks:
            dispatch(hooks, event)


def _interruption(error: BaseException) -> str:
    said = error_text(error)
    return "interrupted by SIGINT" if said == class_name(type(error)) else said
