"""The table of runs."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Float, Select, and_, bindparam, desc, or_, select, update

from spine.errors import SnapshotCorrupt
from spine.records.claim import Claim, NewRun
from spine.records.lease import Lease
from spine.records.run import DamagedRun, Definition, Removal, RunList, RunStatus, RunSummary
from spine.stores import documents
from spine.stores.protocol import RunFilter
from spine.stores.sql.dialect import now, seconds_from_now, upsert
from spine.stores.sql.tables import definitions, runs

# Never NULL, so that its opposite holds for whatever is not held.
HELD: ColumnElement[bool] = and_(runs.c.holder.is_not(None), runs.c.expires_at.is_not(None), runs.c.expires_at > now())
CRASHED: ColumnElement[bool] = and_(
    runs.c.status == RunStatus.RUNNING, or_(runs.c.expires_at.is_(None), runs.c.expires_at <= now())
)
_WITHOUT_CONTEXT = [
    column for column in runs.c if column.name not in ("params", "partition", "resume_point", "overrides")
]
_WITH_DEFINITION = runs.outerjoin(definitions, definitions.c.run_id == runs.c.run_id)
_SUMMARY = (*_WITHOUT_CONTEXT, definitions.c.definition, HELD.label("is_held"), CRASHED.label("is_crashed"))
_LEASE = (runs.c.run_id, runs.c.holder, runs.c.fence, runs.c.acquired_at, runs.c.expires_at)
_TAKEN = {"acquired_at": now(), "expires_at": seconds_from_now(bindparam("lease_seconds", type_=Float))}
# Built once: building one takes longer than running it.
_CLAIM = (
    update(runs)
    .where(
        runs.c.run_id == bindparam("claimed_run"),
        runs.c.status == bindparam("seen_status"),
        runs.c.fence == bindparam("seen_fence"),
        runs.c.removed_at.is_(None),
        ~HELD,
    )
    .values(
        status=RunStatus.RUNNING,
        fence=runs.c.fence + 1,
        error_step=None,
        error=None,
        error_type=None,
        error_category=None,
        finished_at=None,
        updated_at=now(),
        **_TAKEN,
    )
    .returning(*_LEASE)
)
CANCELLABLE = frozenset(status for status in RunStatus if status.may_become(RunStatus.CANCELLED))


def insert_run(connection: Connection, new: NewRun) -> Lease | None:
    """Write a new run with its lease; None if the id is taken."""
    values = {
        "run_id": new.run_id,
        "workflow_name": new.context.workflow_name,
        "params": documents.write_values(new.context.params),
        "partition": documents.write_values(new.context.partition),
        "current_step": new.current_step,
        "resume_point": documents.write_resume_point(new.resume_point),
        "overrides": documents.write_overrides(new.overrides),
        "holder": new.holder,
        "lease_seconds": new.lease_seconds,
    }
    row = connection.execute(_insertion(connection.dialect.name), values).one_or_none()
    return None if row is None else _defined(connection, _lease(row), new.definition)


def claim_run(connection: Connection, claim: Claim) -> Lease | None:
    """Take the lease of a run that is still as it was seen."""
    values = {
        "claimed_run": claim.run_id,
        "seen_status": claim.seen_status,
        "seen_fence": claim.seen_fence,
        "current_step": claim.current_step,
        "resume_point": documents.write_resume_point(claim.resume_point),
        "overrides": documents.write_overrides(claim.overrides),
        "holder": claim.holder,
        "lease_seconds": claim.lease_seconds,
    }
    row = connection.execute(_CLAIM, values).one_or_none()
    return None if row is None else _defined(connection, _lease(row), claim.definition)


def _defined(connection: Connection, lease: Lease, definition: Definition) -> Lease:
    """Keep the definition that a run goes by from now on."""
    values = {"run_id": lease.run_id, "definition": documents.write_definition(definition)}
    connection.execute(_definition(connection.dialect.name), values)
    return lease


def select_run(connection: Connection, run_id: str) -> Any | None:
    """Read one row, with whether it is held or crashed."""
    columns = (*runs.c, definitions.c.definition, HELD.label("is_held"), CRASHED.label("is_crashed"))
    query = select(*columns).select_from(_WITH_DEFINITION).where(runs.c.run_id == run_id)
    return connection.execute(query).one_or_none()


def select_summaries(connection: Connection, wanted: RunFilter) -> RunList:
    """Read the rows that a list shows; one that is damaged keeps no other from being read."""
    try:
        rows = _rows(connection, select(*_SUMMARY).select_from(_WITH_DEFINITION), wanted)
        return RunList(RunSummary(**summary_fields(row)) for row in rows)
    except SnapshotCorrupt:
        return _one_by_one(connection, wanted)


def _one_by_one(connection: Connection, wanted: RunFilter) -> RunList:
    """Read each row by itself: what cannot be read of one is not known before."""
    found: list[RunSummary] = []
    damaged: list[DamagedRun] = []
    for run_id, workflow_name in _rows(connection, select(runs.c.run_id, runs.c.workflow_name), wanted):
        try:
            found.append(_select_summary(connection, run_id))
        except SnapshotCorrupt as error:
            damaged.append(DamagedRun(run_id=run_id, workflow_name=workflow_name, error=error))
    return RunList(found, damaged)


def _select_summary(connection: Connection, run_id: str) -> RunSummary:
    query = select(*_SUMMARY).select_from(_WITH_DEFINITION).where(runs.c.run_id == run_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise SnapshotCorrupt(f"run {run_id!r} is damaged: its id is no UTF-8; nothing was run")
    return RunSummary(**summary_fields(row))


def _rows(connection: Connection, query: Select[Any], wanted: RunFilter) -> Sequence[Any]:
    """Read these columns of the runs that fit, in the order of the list."""
    fitting = _fitting(query, wanted).limit(wanted.limit)
    if wanted.least_taken:
        return connection.execute(fitting.order_by(runs.c.fence, runs.c.created_at, runs.c.run_id)).all()
    newest_first = fitting.order_by(desc(runs.c.created_at), desc(runs.c.run_id))
    return connection.execute(newest_first).all()[::-1]


def _fitting(query: Select[Any], wanted: RunFilter) -> Select[Any]:
    if wanted.status is not None:
        query = query.where(runs.c.status == wanted.status)
    if wanted.crashed:
        query = query.where(CRASHED)
    if wanted.workflow is not None:
        query = query.where(runs.c.workflow_name == wanted.workflow)
    if wanted.since is not None:
        query = query.where(runs.c.created_at >= wanted.since)
    return query


def cancel_run(connection: Connection, run_id: str, stood: Collection[RunStatus] = CANCELLABLE) -> bool:
    """Cancel a run that stood so; its driver's next write will not fit any more."""
    done = connection.execute(
        update(runs)
        .where(runs.c.run_id == run_id, runs.c.status.in_(stood))
        .values(status=RunStatus.CANCELLED, finished_at=now(), updated_at=now(), holder=None, expires_at=None)
    )
    return done.rowcount == 1


def mark_removed(connection: Connection, run_id: str, because: Removal) -> bool:
    """Note that a run's checkpoints are gone; False if somebody holds the run, or they are gone already."""
    done = connection.execute(
        update(runs)
        .where(runs.c.run_id == run_id, runs.c.removed_at.is_(None), ~HELD)
        .values(
            holder=None,
            expires_at=None,
            fence=runs.c.fence + 1,
            removed_at=now(),
            removed_because=because,
            resume_point=None,
            updated_at=now(),
        )
    )
    return done.rowcount == 1


def is_removed(connection: Connection, run_id: str) -> bool:
    """Tell whether a run's checkpoints are gone."""
    query = select(runs.c.run_id).where(runs.c.run_id == run_id, runs.c.removed_at.is_not(None))
    return connection.execute(query).first() is not None


def exists(connection: Connection, run_id: str) -> bool:
    """Tell whether there is such a run."""
    return connection.execute(select(runs.c.run_id).where(runs.c.run_id == run_id)).first() is not None


def summary_fields(row: Any) -> dict[str, Any]:
    """Give a row as the fields of a `RunSummary`."""
    where = f"run {row.run_id!r}"
    return {
        "run_id": row.run_id,
        "workflow_name": row.workflow_name,
        "status": documents.read_status(row.status, where=where),
        "definition": documents.read_definition(row.definition, where=where),
        "current_step": row.current_step,
        "error_step": row.error_step,
        "error": row.error,
        "error_type": row.error_type,
        "error_category": row.error_category,
        "fence": row.fence,
        "lease": _lease(row) if row.is_held else None,
        "is_crashed": bool(row.is_crashed),
        "parent_run_id": row.parent_run_id,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "updated_at": row.updated_at,
        "removed_at": row.removed_at,
        "removed_because": documents.read_removal(row.removed_because, where=where),
    }


@lru_cache
def _insertion(dialect: str) -> Any:
    new = upsert(dialect, runs).values(status=RunStatus.RUNNING, fence=1, started_at=now(), **_TAKEN)
    return new.on_conflict_do_nothing(index_elements=[runs.c.run_id]).returning(*_LEASE)


@lru_cache
def _definition(dialect: str) -> Any:
    new = upsert(dialect, definitions)
    return new.on_conflict_do_update(index_elements=["run_id"], set_={"definition": new.excluded.definition})


def _lease(row: Any) -> Lease:
    return Lease(
        run_id=row.run_id,
        holder=row.holder,
        fence=row.fence,
        acquired_at=row.acquired_at,
        expires_at=row.expires_at,
    )
