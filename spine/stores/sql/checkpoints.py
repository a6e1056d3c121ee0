"""The table of checkpoints."""

from typing import Any

from sqlalchemy import Connection, and_, delete, desc, exists, func, select, update

from spine.errors import CheckpointNotFound
from spine.records.checkpoint import Checkpoint, CheckpointSummary
from spine.records.names import typed
from spine.records.renaming import Renamed, rename
from spine.stores import documents, snapshots
from spine.stores.snapshots import Snapshot
from spine.stores.sql.tables import checkpoints, runs

_SUMMARY = [
    *(column for column in checkpoints.c if column.name != "context_snapshot"),
    runs.c.workflow_name,
]
_SNAPSHOT = [checkpoints.c[name] for name in ("step_name", "sequence", "base_sequence", "context_snapshot")]
_WITH_RUN = checkpoints.outerjoin(runs, runs.c.run_id == checkpoints.c.run_id)


def select_summaries(connection: Connection, run_id: str) -> list[CheckpointSummary]:
    """Read a run's rows by sequence, without their snapshots."""
    query = select(*_SUMMARY).select_from(_WITH_RUN).where(checkpoints.c.run_id == run_id)
    rows = connection.execute(query.order_by(checkpoints.c.sequence)).all()
    return [CheckpointSummary(**_fields(row)) for row in rows]


def last_sequence(connection: Connection, run_id: str) -> int:
    """Read the highest sequence of a run's rows, 0 without any."""
    highest = select(func.coalesce(func.max(checkpoints.c.sequence), 0)).where(checkpoints.c.run_id == run_id)
    return documents.read_sequence(connection.execute(highest).scalar_one(), where=f"run {run_id!r}")


def select_checkpoint(connection: Connection, run_id: str, step: str | None) -> Checkpoint:
    """Read one row, the one of highest sequence without a step."""
    query = (
        select(*_SUMMARY, checkpoints.c.context_snapshot)
        .select_from(_WITH_RUN)
        .where(checkpoints.c.run_id == run_id)
        .order_by(desc(checkpoints.c.sequence))
        .limit(1)
    )
    if step is not None:
        query = query.where(checkpoints.c.step_name == step)
    row = connection.execute(query).one_or_none()
    if row is None:
        which = "no checkpoint" if step is None else f"no checkpoint of step {step!r}"
        raise CheckpointNotFound(
            f"run {run_id!r} has {which}; see what it has with: spine checkpoints list {typed(run_id)}"
        )
    fields = _fields(row)
    chain = [*_chain_below(connection, row), _snapshot(row)]
    context, snapshot = snapshots.read_snapshot(chain, run_id=run_id, workflow_name=fields["workflow_name"])
    return Checkpoint(**fields, context=context, context_snapshot=snapshot)


def _chain_below(connection: Connection, row: Any) -> list[Snapshot]:
    """Read the rows that a change builds on, from the whole one on."""
    if row.base_sequence is None:
        return []
    below = and_(checkpoints.c.run_id == row.run_id, checkpoints.c.sequence < row.sequence)
    whole = select(func.max(checkpoints.c.sequence)).where(below, checkpoints.c.base_sequence.is_(None))
    query = select(*_SNAPSHOT).where(below, checkpoints.c.sequence >= whole.scalar_subquery())
    return [_snapshot(each) for each in connection.execute(query.order_by(checkpoints.c.sequence))]


def _snapshot(row: Any) -> Snapshot:
    return Snapshot(
        step_name=row.step_name,
        sequence=row.sequence,
        base_sequence=row.base_sequence,
        text=row.context_snapshot,
    )


def delete_of_runs(connection: Connection, run_ids: list[str]) -> int:
    """Remove all rows of these runs."""
    if not run_ids:
        return 0
    return connection.execute(delete(checkpoints).where(checkpoints.c.run_id.in_(run_ids))).rowcount


def delete_steps(connection: Connection, run_id: str, steps: tuple[str, ...]) -> None:
    """Remove the rows of these steps of a run; a row that builds on one of them is written again first."""
    if not steps:
        return
    removed = and_(checkpoints.c.run_id == run_id, checkpoints.c.step_name.in_(steps))
    base = checkpoints.alias()
    builds_on_removed = and_(
        checkpoints.c.run_id == run_id,
        checkpoints.c.step_name.not_in(steps),
        exists().where(
            base.c.run_id == run_id, base.c.step_name.in_(steps), base.c.sequence == checkpoints.c.base_sequence
        ),
    )
    if connection.execute(select(checkpoints.c.id).where(builds_on_removed).limit(1)).first():
        _write_without(connection, run_id, steps)
    connection.execute(delete(checkpoints).where(removed))


def _write_without(connection: Connection, run_id: str, steps: tuple[str, ...]) -> None:
    query = select(*_SNAPSHOT).where(checkpoints.c.run_id == run_id).order_by(checkpoints.c.sequence)
    stored = [_snapshot(row) for row in connection.execute(query)]
    workflow_name = connection.execute(select(runs.c.workflow_name).where(runs.c.run_id == run_id)).scalar_one()
    for new in set(snapshots.without(stored, steps, run_id=run_id, workflow_name=workflow_name)) - set(stored):
        text = new.text if isinstance(new.text, str) else new.text.decode()
        connection.execute(
            update(checkpoints)
            .where(checkpoints.c.run_id == run_id, checkpoints.c.sequence == new.sequence)
            .values(context_snapshot=text, size=len(text.encode()), base_sequence=new.base_sequence)
        )


def rename_steps(connection: Connection, run_id: str, renamed: Renamed) -> None:
    """Give steps their new names in all rows of a run, each row by way of a name that no step can have."""
    if not renamed:
        return
    query = select(checkpoints.c.step_name, checkpoints.c.id).where(checkpoints.c.run_id == run_id)
    ids = {row.step_name: row.id for row in connection.execute(query.order_by(checkpoints.c.sequence))}
    for row_id in ids.values():
        _rewrite(connection, row_id, renamed)
    for step_name, row_id in documents.rename_rows(ids, renamed, run_id=run_id).items():
        connection.execute(update(checkpoints).where(checkpoints.c.id == row_id).values(step_name=step_name))


def _rewrite(connection: Connection, row_id: int, renamed: Renamed) -> None:
    query = select(*_SUMMARY, checkpoints.c.context_snapshot).select_from(_WITH_RUN).where(checkpoints.c.id == row_id)
    row = connection.execute(query).one()
    identity = {"run_id": row.run_id, "workflow_name": row.workflow_name}
    snapshot = snapshots.rename_snapshot(_snapshot(row), renamed, **identity)
    connection.execute(
        update(checkpoints)
        .where(checkpoints.c.id == row_id)
        .values(
            step_name=f" {row_id}",  # a name begins with no space
            next_step=row.next_step and rename(row.next_step, renamed),
            context_snapshot=snapshot.decode(),
            size=len(snapshot),
            metadata=documents.rename_metadata(row.metadata, renamed, where=_where_metadata(row)),
        )
    )


def _fields(row: Any) -> dict[str, Any]:
    return {
        "run_id": row.run_id,
        "workflow_name": row.workflow_name,
        "step_name": row.step_name,
        "sequence": documents.read_sequence(row.sequence, where=f"step {row.step_name!r} of run {row.run_id!r}"),
        "next_step": row.next_step,
        "metadata": documents.read_metadata(row.metadata, where=_where_metadata(row)),
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "size": row.size,
        "base_sequence": row.base_sequence,
    }


def _where_metadata(row: Any) -> str:
    return f"the metadata of step {row.step_name!r} in run {row.run_id!r}"
