"""`StepResult`: what a step gives back."""

import os
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import dropwhile
from typing import Any, NoReturn

import spine
from spine.errors import (
    LeaseLost,
    RunFailed,
    RunIsHeld,
    SpineError,
    StoreBusy,
    StoreFull,
    StoreUnavailable,
    StoreWentBack,
    class_name,
    type_of,
)
from spine.records.quality import QualityMetrics

LONGEST_ERROR = 4000
_PACKAGE = f"{spine.__path__[0]}{os.sep}"
LONGEST_ERROR_TYPE = 200
_PASSING = (ConnectionError, StoreBusy, StoreFull, StoreUnavailable, StoreWentBack, RunIsHeld, LeaseLost)


class ErrorCategory(StrEnum):
    """What kind of thing went wrong, for whoever decides what to do about it."""

    TRANSIENT = "transient"
    DATA_QUALITY = "data_quality"
    CONFIGURATION = "configuration"
    DEPENDENCY = "dependency"
    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"
    INTERNAL = "internal"

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:
        raise ValueError(f"{value!r} is not a category of errors; there are: {', '.join(cls)}")


class Outcome(StrEnum):
    """How a step ended."""

    COMPLETED = "completed"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What a step gives back; made by `ok`, `fail` and `skip`."""

    outcome: Outcome
    output: Mapping[str, Any] = field(default_factory=dict)
    context_updates: Mapping[str, Any] = field(default_factory=dict)
    quality: QualityMetrics | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    checkpoint: bool | None = None
    error: str | None = None
    error_type: str | None = None
    category: ErrorCategory | None = None
    traceback: str | None = None
    reason: str | None = None

    @classmethod
    def ok(
        cls,
        output: Mapping[str, Any] | None = None,
        *,
        context_updates: Mapping[str, Any] | None = None,
        quality: QualityMetrics | None = None,
        metadata: Mapping[str, Any] | None = None,
        checkpoint: bool | None = None,
    ) -> "StepResult":
        """Say that the step is done.

        `output` is what later steps read; `context_updates` become params of the run; `metadata` is kept with the
        checkpoint; `checkpoint=True` forces one whatever the strategy.
        """
        return cls(
            outcome=Outcome.COMPLETED,
            output={} if output is None else output,
            context_updates={} if context_updates is None else context_updates,
            quality=quality,
            metadata={} if metadata is None else metadata,
            checkpoint=checkpoint,
        )

    @classmethod
    def fail(
        cls,
        error: str | BaseException,
        category: ErrorCategory | None = None,
        *,
        output: Mapping[str, Any] | None = None,
        quality: QualityMetrics | None = None,
    ) -> "StepResult":
        """Say that the step failed and the run must stop here.

        Without a category, an exception has the one that it would have if it were raised, and a text has `internal`.
        `output` and `quality` are told with the failure in the history of the run; no later step sees them.
        """
        if isinstance(error, BaseException):
            text, error_type = error_text(error), clipped(class_name(type(error)))[:LONGEST_ERROR_TYPE]
            category = category_of(error) if category is None else category
        else:
            text, error_type = str(error or ""), "StepFailed"
        return cls(
            outcome=Outcome.FAILED,
            output=output or {},
            quality=quality,
            error=cleaned(text) or error_type,
            error_type=error_type,
            category=ErrorCategory(ErrorCategory.INTERNAL if category is None else category),
        )

    def shortened(self) -> "StepResult":
        """Give the same with its texts cut to 4,000 characters, of a traceback the last."""
        if self.error is self.reason is self.traceback is None:
            return self
        return replace(
            self,
            error=self.error and clipped(self.error),
            reason=self.reason and clipped(self.reason),
            traceback=self.traceback and self.traceback[-LONGEST_ERROR:],
        )

    @classmethod
    def skip(cls, reason: str | None = None) -> "StepResult":
        """Say that there was nothing to do; the run goes on."""
        return cls(outcome=Outcome.SKIPPED, reason=None if reason is None else cleaned(str(reason)))

    @classmethod
    def of(cls, returned: Any, *, nothing_is_fine: bool) -> "StepResult":
        """Judge what a step's function returned: a `StepResult`, a mapping (its output) or, if fine, nothing."""
        if isinstance(returned, StepResult):
            return _judged(returned)
        if type(returned) is dict or isinstance(returned, Mapping):
            return cls(outcome=Outcome.COMPLETED, output=dict(returned))
        if returned is None and nothing_is_fine:
            return cls.ok()
        what = "nothing" if returned is None else f"{type_of(returned)}"
        return _invalid(f"the step returned {what}; return a mapping (its output) or a StepResult")

    @classmethod
    def from_exception(cls, error: BaseException) -> "StepResult":
        """Turn what a step raised into a failed result; `error_type` is the exception's class."""
        return replace(cls.fail(error), traceback=traceback_of(error))


def category_of(error: BaseException) -> ErrorCategory:
    """Guess the category of an exception from its class."""
    kind = type(error)
    if issubclass(kind, TimeoutError):
        return ErrorCategory.TIMEOUT
    if issubclass(kind, _PASSING):
        return ErrorCategory.TRANSIENT
    if issubclass(kind, RunFailed):  # of another run, which the step drove
        of_that_run = getattr(getattr(error, "result", None), "error_category", None)
        return next((each for each in ErrorCategory if each.value == of_that_run), ErrorCategory.DEPENDENCY)
    if issubclass(kind, (SpineError, ImportError, NotImplementedError)):
        return ErrorCategory.CONFIGURATION
    return ErrorCategory.INTERNAL


def error_text(error: BaseException) -> str:
    """Give an exception's text, or its class if it has none or cannot say it."""
    try:
        said = "".join((str(error),))  # plain text, whatever class __str__ gave
    except BaseException:  # noqa: BLE001  # a user's __str__ may do anything
        said = ""
    return said or class_name(type(error))


def traceback_of(error: BaseException) -> str | None:
    """Spell where in the user's code an exception came from; None if it never was there."""
    try:
        frames = traceback.extract_tb(error.__traceback__)
    except BaseException:  # noqa: BLE001  # a user's class may have its own __traceback__, or loader of source
        return None
    users = list(dropwhile(_is_ours, frames))
    while users and _is_ours(users[-1]):
        users.pop()
    return cleaned("".join(traceback.format_list(users)).rstrip()) or None


def _is_ours(frame: traceback.FrameSummary) -> bool:
    return is_of_spine(frame.filename)


def is_of_spine(filename: str) -> bool:
    """Tell whether code is Spine's own, and not of a package whose name only begins so."""
    return filename.startswith(_PACKAGE)


def cleaned(text: str) -> str:
    """Give text that every database takes: no NUL, no lone surrogate."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


def clipped(text: str) -> str:
    """Give text that every database takes, cut to 4,000 characters."""
    return cleaned(text if len(text) <= LONGEST_ERROR else f"{text[: LONGEST_ERROR - 3]}...")


def _judged(result: StepResult) -> StepResult:
    """Copy what the step gave into plain values; whatever a user's mapping raises is the step's failure."""
    given = {name: getattr(result, name) for name in ("output", "context_updates", "metadata")}
    for name, value in given.items():
        if not isinstance(value, Mapping):
            return _invalid(f"the {name} of a StepResult must be a mapping, not {type_of(value)}")
    quality: Any = result.quality  # whatever the annotation says
    if quality is not None and not isinstance(quality, Mapping):
        return _invalid(f"the quality of a StepResult must be QualityMetrics, not {type_of(quality)}")
    if not (result.checkpoint is None or isinstance(result.checkpoint, bool)):
        return _invalid("the checkpoint of a StepResult must be True, False or None")
    plain: dict[str, Any] = {name: dict(value) for name, value in given.items()}
    outcome = Outcome(result.outcome)
    if outcome is Outcome.FAILED:
        plain |= _said(result)
    if outcome is Outcome.SKIPPED and (plain["output"] or plain["context_updates"] or quality is not None):
        return _invalid("a step that was skipped gives no output, context_updates or quality; use StepResult.ok")
    return StepResult(
        outcome=outcome,
        quality=None if quality is None else QualityMetrics.of(quality),
        checkpoint=result.checkpoint,
        reason=None if result.reason is None else cleaned(str(result.reason)),
        **plain,
    )


def _said(result: StepResult) -> dict[str, Any]:
    """Make what a failure says storable, also where somebody made it without `fail`."""
    error_type = clipped(str(result.error_type or "StepFailed"))[:LONGEST_ERROR_TYPE]
    return {
        "error": cleaned(str(result.error or error_type)),
        "error_type": error_type,
        "category": ErrorCategory(result.category or ErrorCategory.INTERNAL),
    }


def _invalid(error: str) -> StepResult:
    return StepResult(outcome=Outcome.FAILED, error=error, error_type="InvalidResult", category=ErrorCategory.INTERNAL)
