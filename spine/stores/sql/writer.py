"""`SqlRunWriter`: the pen of whoever drives a run, on one session, with statements prepared once."""

from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Dialect,
    Engine,
    Float,
    String,
    Text,
    and_,
    bindparam,
    case,
    cast,
    null,
    select,
    update,
)

from spine.codec.limits import Limits
from spine.errors import LeaseLost
from spine.records.checkpoint import NewCheckpoint
from spine.records.claim import Ending
from spine.records.lease import Lease
from spine.records.run import RunStatus
from spine.stores import documents
from spine.stores.sql.dialect import JsonText, now, seconds_from_now, upsert
from spine.stores.sql.engine import is_postgresql
from spine.stores.sql.prepared import Prepared
from spine.stores.sql.session import Session
from spine.stores.sql.tables import NAME, checkpoints, runs

NOT_ENDED = Ending(status=RunStatus.RUNNING)


class _Statements(NamedTuple):
    """`save` does all at once on PostgreSQL; SQLite runs `move` and `save` in one transaction.

    `is_saved` and `has_ended` ask whether they got through.
    """

    move: Prepared
    save: Prepared
    is_saved: Prepared
    has_ended: Prepared


class SqlRunWriter:
    """One session held for as long as the run is driven; every statement compares the fence."""

    def __init__(
        self, engine: Engine, lease: Lease, *, lease_seconds: float, reconnect_seconds: float, limits: Limits
    ) -> None:
        self._lease = lease
        self._lease_seconds = lease_seconds
        self._limits = limits
        self._one_statement = is_postgresql(engine)
        self._statements = _compile(engine.dialect)
        self._session = Session(engine, reconnect_seconds=reconnect_seconds)

    def save_checkpoint(self, new: NewCheckpoint, ending: Ending | None = None) -> int:
        """See `RunWriter`."""
        snapshot = documents.write_snapshot(new, limits=self._limits)
        row = {
            "step_name": new.step_name,
            "sequence": new.sequence,
            "next_step": new.next_step,
            "context_snapshot": snapshot.decode(),
            "size": len(snapshot),
            "metadata": documents.write_metadata(new.metadata),
        }
        move = self._move_values(ending or NOT_ENDED, new.next_step)
        saved = {"saved_step": new.step_name, "saved_sequence": new.sequence}
        self._session.run(
            lambda: self._write(move, row),
            find_out=lambda: self._finds(self._statements.is_saved, **saved),
        )
        return len(snapshot)

    def end_run(self, ending: Ending) -> None:
        """See `RunWriter`."""
        move = self._move_values(ending, ending.error_step)
        self._session.run(
            lambda: self._write(move, None),
            find_out=lambda: self._finds(self._statements.has_ended, new_status=ending.status.value),
        )

    def close(self) -> None:
        """See `RunWriter`."""
        self._session.close()

    def _move_values(self, ending: Ending, current_step: str | None) -> dict[str, Any]:
        return {
            "driven_run": self._lease.run_id,
            "held_fence": self._lease.fence,
            "lease_seconds": self._lease_seconds,
            "new_status": ending.status.value,
            "new_current_step": current_step,
            "new_error_step": ending.error_step,
            "new_error": ending.error,
            "new_error_type": ending.error_type,
            "new_error_category": ending.error_category,
        }

    def _write(self, move: dict[str, Any], row: dict[str, Any] | None) -> bool:
        if not self._one_statement:
            self._write_in_transaction(move, row)
        elif row is None:
            self._require_lease(self._statements.move.run(self._session.cursor, **move))
        else:
            self._require_lease(self._statements.save.run(self._session.cursor, **move, **row))
        return True

    def _write_in_transaction(self, move: dict[str, Any], row: dict[str, Any] | None) -> None:
        cursor = self._session.cursor
        cursor.execute("BEGIN IMMEDIATE")
        try:
            self._require_lease(self._statements.move.run(cursor, **move))
            if row is not None:
                self._statements.save.run(cursor, driven_run=self._lease.run_id, **row)
            cursor.execute("COMMIT")
        finally:
            if self._session.driver.in_transaction:
                cursor.execute("ROLLBACK")

    def _finds(self, question: Prepared, **values: Any) -> bool | None:
        """Ask whether a write whose answer was lost got through; None if it did not."""
        identity = {"driven_run": self._lease.run_id, "held_fence": self._lease.fence}
        question.run(self._session.cursor, **identity, **values)
        return True if self._session.cursor.fetchone() else None

    def _require_lease(self, rows: int) -> None:
        if rows != 1:
            raise LeaseLost(
                f"run {self._lease.run_id!r} is no longer driven by {self._lease.holder} "
                f"(fence {self._lease.fence}): it was taken over or cancelled; nothing was written"
            )


@lru_cache(maxsize=8)
def _compile(dialect: Dialect) -> _Statements:
    move = _move_statement()
    if dialect.name == "postgresql":
        moved = move.returning(runs.c.run_id).cte("moved")
        save = _save_statement(dialect.name, moved)
    else:
        save = _save_statement(dialect.name, None)
    return _Statements(
        move=Prepared(move, dialect),
        save=Prepared(save, dialect),
        is_saved=Prepared(_is_saved_statement(), dialect),
        has_ended=Prepared(_has_ended_statement(), dialect),
    )


def _ours() -> Any:
    return and_(
        runs.c.run_id == bindparam("driven_run", type_=String),
        runs.c.fence == cast(bindparam("held_fence"), BigInteger),
    )


def _is_saved_statement() -> Any:
    """Build the question whether this driver's checkpoint is there: its sequence is its own under its fence."""
    saved = and_(
        checkpoints.c.run_id == runs.c.run_id,
        checkpoints.c.step_name == cast(bindparam("saved_step"), NAME),
        checkpoints.c.sequence == cast(bindparam("saved_sequence"), BigInteger),
    )
    return select(checkpoints.c.sequence).select_from(runs.join(checkpoints, saved)).where(_ours())


def _has_ended_statement() -> Any:
    """Build the question whether this driver's ending is there."""
    return select(runs.c.status).where(_ours(), runs.c.status == cast(bindparam("new_status"), String(20)))


def _move_statement() -> Any:
    """Build the guarded UPDATE of the run: only the holder of the newest fence of a running run gets through."""
    status = bindparam("new_status", type_=String)
    going_on = cast(status, Text) == RunStatus.RUNNING.value
    return (
        update(runs)
        .where(
            _ours(),
            runs.c.status == RunStatus.RUNNING.value,
        )
        .values(
            status=cast(status, String(20)),
            current_step=cast(bindparam("new_current_step"), NAME),
            resume_point=case((cast(status, Text) == RunStatus.FAILED.value, runs.c.resume_point), else_=null()),
            error_step=cast(bindparam("new_error_step"), NAME),
            error=cast(bindparam("new_error"), Text),
            error_type=cast(bindparam("new_error_type"), String(200)),
            error_category=cast(bindparam("new_error_category"), String(20)),
            holder=case((going_on, runs.c.holder), else_=null()),
            expires_at=case((going_on, seconds_from_now(bindparam("lease_seconds", type_=Float))), else_=null()),
            finished_at=case((going_on, null()), else_=now()),
            updated_at=now(),
        )
    )


def _save_statement(dialect: str, moved: Any | None) -> Any:
    values = {
        "run_id": cast(bindparam("driven_run"), String(36)) if moved is None else moved.c.run_id,
        "step_name": cast(bindparam("step_name"), NAME),
        "sequence": cast(bindparam("sequence"), BigInteger),
        "next_step": cast(bindparam("next_step"), NAME),
        "context_snapshot": cast(bindparam("context_snapshot", type_=Text), JsonText),
        "size": cast(bindparam("size"), BigInteger),
        "metadata": cast(bindparam("metadata", type_=Text), JsonText),
    }
    rows = select(*values.values())
    if moved is None:
        rows = rows.where(bindparam("driven_run").is_not(None))  # SQLite needs a WHERE before ON CONFLICT
    insert = upsert(dialect, checkpoints).from_select(list(values), rows)
    new = insert.excluded
    return insert.on_conflict_do_update(
        index_elements=["run_id", "step_name"],
        set_={
            "sequence": new.sequence,
            "next_step": new.next_step,
            "context_snapshot": new.context_snapshot,
            "size": new.size,
            "metadata": new.metadata,
            "updated_at": now(),
        },
    )
