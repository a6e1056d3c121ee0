"""`Turn`: one step's turn, on its way from verb to verb of the executor."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from spine import __version__
from spine.codec import json as codec
from spine.codec.limits import Limits
from spine.errors import NotStorable
from spine.orchestration.progress import COMPLETED, Progress
from spine.records.checkpoint import NewCheckpoint
from spine.records.claim import Ending
from spine.records.context import WorkflowContext
from spine.records.run import RunStatus
from spine.steps.kind import Call
from spine.steps.result import Outcome, StepResult
from spine.steps.step import Step
from spine.stores.snapshots import PYTHON_VERSION

_OWN_METADATA = frozenset(
    {"outcome", "reason", "attempt", "started_at", "duration", "skipped", "python_version", "spine_version"}
)
LONGEST_TOLD = Limits(max_bytes=64 * 1024)  # of each part of a failure, in the history


@dataclass(slots=True, kw_only=True)
class Turn:
    """What a step was called with, what it gave, and what the run knows then.

    Each verb adds its part. The run's `Progress` changes only when all of it is durable.
    """

    step: Step
    position: int
    call: Call
    context: WorkflowContext
    started_at: datetime
    result: StepResult
    seconds: float = 0.0
    ending: Ending | None = None

    def fail(self, result: StepResult) -> None:
        """Make it a step that failed: the run knows what it knew before, and ends."""
        self.result = result = self.sayable(result)
        self.context = self.call.context
        self.ending = Ending(
            status=RunStatus.FAILED,
            error_step=self.step.name,
            error=result.error,
            error_type=result.error_type,
            error_category=None if result.category is None else result.category.value,
            told=_told(result),
        )

    def sayable(self, result: StepResult) -> StepResult:
        """Give a result without the secrets that the step was told, and with its texts cut."""
        return self.call.secrets.masked(result).shortened()

    def failure(self) -> str:
        """Tell how the step failed, on one line and then where, for whoever cannot read it in the database."""
        result = self.result
        told = f"step {self.step.name!r} had failed: {result.error_type}: {result.error}"
        return f"{told}\n{result.traceback}" if result.traceback else told

    def checkpoint(self, progress: Progress) -> NewCheckpoint:
        """Give the checkpoint that says this step is done."""
        return NewCheckpoint(
            run_id=self.context.run_id,
            step_name=self.step.name,
            sequence=progress.sequence + 1,
            next_step=progress.next_step,
            metadata=self.result.metadata,
            context=self.context,
            base=progress.base,
            performed=self._performed(progress),
        )

    def completion(self, progress: Progress) -> Ending:
        """Give the end of a run whose last step leaves no checkpoint: the history keeps what that would tell."""
        skipped = self._skipped(progress)
        return COMPLETED._replace(told={"skipped": skipped}) if skipped else COMPLETED

    def _skipped(self, progress: Progress) -> list[str]:
        """Name the steps that were skipped since the last checkpoint, this one included if it was."""
        earlier = progress.unsaved_skips
        return [*earlier, self.step.name] if self.result.outcome is Outcome.SKIPPED else earlier

    def _performed(self, progress: Progress) -> dict[str, Any]:
        result = self.result
        own: dict[str, Any] = {
            "attempt": self.call.attempt,
            "outcome": str(result.outcome),
            "duration": round(self.seconds, 6),
            "started_at": self.started_at,
            "spine_version": __version__,
            "python_version": PYTHON_VERSION,
        }
        if skipped := self._skipped(progress):
            own["skipped"] = skipped
        if result.reason:
            own["reason"] = result.reason
        return own


def kept_metadata(metadata: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """Give a copy which nobody else changes; raise `NotStorable` for what cannot be kept, or a name of Spine's own."""
    if taken := _OWN_METADATA.intersection(name for name in metadata if type(name) is str):
        raise NotStorable(f"metadata.{min(taken)}", "the name is one that Spine itself writes; choose another")
    copy: dict[str, Any] = codec.decode(codec.encode(metadata, at="metadata", limits=limits))
    return copy


def _told(result: StepResult) -> dict[str, Any]:
    """Give what a failed step measured and where it failed, as far as it can be kept, as copies of it."""
    quality = None if result.quality is None else result.quality.as_dict()
    given = {"quality": quality, "output": dict(result.output), "traceback": result.traceback}
    told = {name: _copy(value) for name, value in given.items() if value}
    return {name: value for name, value in told.items() if value is not None}


def _copy(value: Any) -> Any:
    """Give a copy of what can be kept, which nobody else changes, as a thread of the step may; else None."""
    try:
        return codec.decode(codec.encode(value, limits=LONGEST_TOLD))
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  # whatever a user's value does when it is looked at
        return None
