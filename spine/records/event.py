"""`Event`: something that happened in a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class EventKind(StrEnum):
    """What happened."""

    RUN_CREATED = "run.created"
    RUN_STARTED = "run.started"
    RUN_RESUMED = "run.resumed"
    RUN_TAKEN_OVER = "run.taken_over"
    RUN_COMPLETED = "run.completed"
    RUN_FAILED = "run.failed"
    RUN_CANCELLED = "run.cancelled"
    RUN_WAITING = "run.waiting"
    STEP_STARTED = "step.started"
    STEP_COMPLETED = "step.completed"
    STEP_SKIPPED = "step.skipped"
    STEP_FAILED = "step.failed"
    CHECKPOINT_SAVED = "checkpoint.saved"
    CHECKPOINTS_DELETED = "checkpoints.deleted"
    CHECKPOINTS_PURGED = "checkpoints.purged"


# The kinds with which a drive begins and ends.
BEGINNINGS = (EventKind.RUN_STARTED, EventKind.RUN_RESUMED)
ENDINGS = (EventKind.RUN_COMPLETED, EventKind.RUN_FAILED, EventKind.RUN_CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in a run.

    `duration` is in seconds, `fields` hold what else there is to say. `actor` and `reason` are known of events that
    the store keeps: who did it (`user@host/pid`), and why if they said so.
    """

    kind: EventKind
    run_id: str
    workflow_name: str
    step: str | None = None
    at: datetime
    duration: float | None = None
    error: str | None = None
    error_type: str | None = None
    traceback: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    actor: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who does something to a run (`user@host/pid`), and why if they say so."""

    name: str | None = None
    reason: str | None = None


NOBODY = Actor()
