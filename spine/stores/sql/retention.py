"""What a purge takes from the tables."""

from collections.abc import Sequence
from itertools import accumulate, takewhile
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, exists, func, or_, select, update

from spine.records.run import Removal, RunStatus
from spine.stores.protocol import PurgedBatch, PurgeOrder
from spine.stores.sql import checkpoints as checkpoint_rows
from spine.stores.sql.dialect import now, seconds_from_now
from spine.stores.sql.tables import checkpoints, runs

_DAY = 86_400.0


def preview(connection: Connection, order: PurgeOrder) -> PurgedBatch:
    """Find the runs that a purge would take, all of them, and count the checkpoints that it would take."""
    expired = select(runs.c.run_id).where(_expired(order))
    of_expired = checkpoints.c.run_id.in_(expired)
    taken = or_(of_expired, _orphaned(order)) if order.workflows is None else of_expired
    count = select(func.count()).select_from(checkpoints).where(taken)
    return PurgedBatch(
        runs=tuple(connection.execute(expired.order_by(runs.c.finished_at)).scalars()),
        checkpoints=connection.execute(count).scalar_one(),
    )


def purge_batch(connection: Connection, order: PurgeOrder) -> PurgedBatch:
    """Mark a batch of expired runs and remove their checkpoints; the status is judged again in the UPDATE."""
    found = connection.execute(_batch(order)).all()
    fitting = _fitting(found, order.most_checkpoints)
    taken = connection.execute(
        update(runs)
        .where(runs.c.run_id.in_(fitting), _expired(order))
        .values(removed_at=now(), removed_because=Removal.EXPIRED, resume_point=None)
        .returning(runs.c.run_id)
    )
    run_ids = sorted(taken.scalars())
    removed = checkpoint_rows.delete_of_runs(connection, run_ids)
    if order.workflows is None and len(found) == len(fitting) < order.batch:  # the last: this looks at all checkpoints
        removed += _delete_orphans(connection, order)
    return PurgedBatch(runs=tuple(run_ids), checkpoints=removed)


def _batch(order: PurgeOrder) -> Select[Any]:
    saved = select(func.count()).where(checkpoints.c.run_id == runs.c.run_id).scalar_subquery()
    query = select(runs.c.run_id, saved).where(_expired(order)).order_by(runs.c.finished_at).limit(order.batch)
    return query.with_for_update(skip_locked=True)


def _fitting(found: Sequence[Any], most: int) -> list[str]:
    """Give the first runs that have so many checkpoints in all at most, and one at least."""
    totals = accumulate(count for _, count in found)
    fitting = sum(1 for _ in takewhile(lambda total: total <= most, totals))
    return [run_id for run_id, _ in found[: max(1, fitting)]]


def _expired(order: PurgeOrder) -> Any:
    ended = or_(
        and_(runs.c.status == RunStatus.COMPLETED, runs.c.finished_at < seconds_from_now(-order.days * _DAY)),
        and_(
            runs.c.status.in_([RunStatus.FAILED, RunStatus.CANCELLED]),
            runs.c.finished_at < seconds_from_now(-order.failed_days * _DAY),
            runs.c.updated_at < seconds_from_now(-order.failed_days * _DAY),
        ),
    )
    fits = and_(runs.c.removed_at.is_(None), ended)
    return fits if order.workflows is None else and_(fits, runs.c.workflow_name.in_(sorted(order.workflows)))


def _delete_orphans(connection: Connection, order: PurgeOrder) -> int:
    """Remove old checkpoints whose run is gone."""
    batch = select(checkpoints.c.id).where(_orphaned(order)).order_by(checkpoints.c.id).limit(order.batch)
    orphans = batch.with_for_update(skip_locked=True).scalar_subquery()
    return connection.execute(delete(checkpoints).where(checkpoints.c.id.in_(orphans))).rowcount


def _orphaned(order: PurgeOrder) -> Any:
    owned = exists().where(runs.c.run_id == checkpoints.c.run_id)
    return and_(~owned, checkpoints.c.updated_at < seconds_from_now(-max(order.days, order.failed_days) * _DAY))
