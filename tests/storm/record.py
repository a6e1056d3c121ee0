"""`Record`: what the tables say about a run, by raw SQL."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.contract.rows import Rows

RUN = "SELECT status, fence, holder, expires_at, removed_at, error_type FROM core_workflow_runs WHERE run_id = ?"
CHECKPOINTS = (
    "SELECT step_name, sequence, context_snapshot, metadata FROM core_workflow_checkpoints "
    "WHERE run_id = ? ORDER BY sequence"
)
EVENTS = "SELECT kind FROM core_workflow_events WHERE run_id = ? ORDER BY id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """One checkpoint: of which step, written by which attempt, and the step's own output in it."""

    step: str
    sequence: int
    attempt: str
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One run."""

    status: str
    fence: int
    is_held: bool
    is_removed: bool
    error_type: str | None
    saved: tuple[Saved, ...]
    events: tuple[str, ...]


def read_record(rows: Rows, run_id: str) -> Record | None:
    """Read a run; None if there is none."""
    if "core_workflow_runs" not in rows.tables():
        return None  # SQLite, and whoever came first was killed before there were tables
    found = rows.ask(RUN, run_id)
    if not found:
        return None
    status, fence, holder, expires_at, removed_at, error_type = found[0]
    return Record(
        status=status,
        fence=fence,
        is_held=holder is not None or expires_at is not None,
        is_removed=removed_at is not None,
        error_type=error_type,
        saved=tuple(_saved(*row) for row in rows.ask(CHECKPOINTS, run_id)),
        events=tuple(kind for (kind,) in rows.ask(EVENTS, run_id)),
    )


def _saved(step: str, sequence: int, snapshot: Any, metadata: Any) -> Saved:
    output = _document(snapshot)["outputs"].get(step, {})
    attempt = _document(metadata)["storm_attempt"]
    return Saved(step=step, sequence=sequence, attempt=attempt, seen=output.get("seen", ""))


def _document(stored: Any) -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads(stored) if isinstance(stored, str) else stored
    return document
