"""The table of events: only ever added to."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from spine.records.event import Actor, Event, EventKind
from spine.stores import documents
from spine.stores.sql.tables import events, runs

_NEW = insert(events)


def insert_event(
    connection: Connection, run_id: str, kind: EventKind, by: Actor, details: Mapping[str, Any] | None = None
) -> None:
    """Note what the transaction around this does to a run."""
    connection.execute(_NEW, _row(run_id, kind, by, details or {}))


def insert_purges(connection: Connection, run_ids: Sequence[str], by: Actor) -> None:
    """Note that these runs' checkpoints are purged."""
    if run_ids:
        connection.execute(_NEW, [_row(run_id, EventKind.CHECKPOINTS_PURGED, by, {}) for run_id in run_ids])


def select_events(connection: Connection, run_id: str) -> list[Event]:
    """Read a run's events, in the order they were written."""
    query = select(events, runs.c.workflow_name).join(runs, runs.c.run_id == events.c.run_id)
    rows = connection.execute(query.where(events.c.run_id == run_id).order_by(events.c.id)).all()
    return [_event(row) for row in rows]


def _row(run_id: str, kind: EventKind, by: Actor, details: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "kind": kind.value,
        "actor": by.name,
        "reason": by.reason,
        "details": documents.write_details(details),
    }


def _event(row: Any) -> Event:
    where = f"event {row.id} of run {row.run_id!r}"
    details = documents.read_details(row.details, where=where)
    return Event(
        kind=documents.read_event_kind(row.kind, where=where),
        run_id=row.run_id,
        workflow_name=row.workflow_name,
        step=row.step_name,
        at=row.created_at,
        error=details.get("error"),
        error_type=details.get("error_type"),
        traceback=details.get("traceback"),
        fields=details,
        actor=row.actor,
        reason=row.reason,
    )
