"""`Event`: something that happened in a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    """What happened."""

    RUN_STARTED = "run.started"
    RUN_RESUMED = "run.resumed"
    RUN_COMPLETED = "run.completed"
    RUN_FAILED = "run.failed"
    RUN_CANCELLED = "run.cancelled"
    STEP_STARTED = "step.started"
    STEP_COMPLETED = "step.completed"
    STEP_SKIPPED = "step.skipped"
    STEP_FAILED = "step.failed"
    CHECKPOINT_SAVED = "checkpoint.saved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in a run; `duration` is in seconds, `fields` hold plain numbers and short text."""

    kind: EventKind
    run_id: str
    workflow_name: str
    step: str | None = None
    at: datetime
    duration: float | None = None
    error: str | None = None
    error_type: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
