"""What a driver writes at every step, built with Core once and compiled once a dialect.

On PostgreSQL each is one statement: the guarded UPDATE of the run feeds the INSERTs, so that an old fence writes
nothing. On SQLite it is the same parts in one transaction, the guarded UPDATE first.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Dialect,
    Float,
    String,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    insert,
    literal_column,
    null,
    select,
    update,
)

from spine.records.lease import Lease
from spine.records.run import RunStatus
from spine.stores.sql.dialect import POSTGRESQL, SQLITE, JsonText, UtcTime, now, seconds_from_now, upsert, write_time
from spine.stores.sql.prepared import InTransaction, Prepared, Statement
from spine.stores.sql.tables import NAME, RUN_ID, checkpoints, events, runs

_RUNNING: ColumnElement[str] = literal_column(f"'{RunStatus.RUNNING}'")


class Writes(NamedTuple):
    """Each write, which compares the fence first; and questions.

    `is_saved` and `has_ended` ask whether a write got through whose answer was lost, `is_driven` whether a run that
    was not where its driver left it is still its own.
    """

    go_on: Statement
    end_with_checkpoint: Statement
    end: Statement
    is_saved: Statement
    has_ended: Statement
    is_driven: Statement


def compile_writes(dialect: Dialect) -> Writes:
    """Compile all of it, once for all dialects of a kind."""
    kind: Any = type(dialect)  # which mypy does not take for hashable
    return _compiled(kind)


def identity(lease: Lease) -> dict[str, Any]:
    """Give the values by which every write knows the run of this lease."""
    return {"driven_run": lease.run_id, "held_fence": lease.fence, "held_since": write_time(lease.acquired_at)}


@lru_cache(maxsize=8)
def _compiled(kind: type[Dialect]) -> Writes:
    def prepared(statement: Any) -> Prepared:
        return Prepared(statement, kind)

    go_on, end_with_checkpoint, end = (_on_postgresql if kind.name == POSTGRESQL else _on_sqlite)(prepared)
    return Writes(
        go_on=go_on,
        end_with_checkpoint=end_with_checkpoint,
        end=end,
        is_saved=prepared(_is_saved()),
        has_ended=prepared(_has_ended()),
        is_driven=prepared(select(runs.c.run_id).where(_is_driven())),
    )


def _on_postgresql(prepared: Callable[[Any], Statement]) -> tuple[Statement, Statement, Statement]:
    going_on = _go_on().returning(runs.c.run_id).cte("moved")
    ended = _end().returning(runs.c.run_id).cte("ended")
    saved = _save(POSTGRESQL, ended).returning(checkpoints.c.run_id).cte("saved")
    return prepared(_save(POSTGRESQL, going_on)), prepared(_note(saved)), prepared(_note(ended))


def _on_sqlite(prepared: Callable[[Any], Statement]) -> tuple[Statement, Statement, Statement]:
    go_on, end = prepared(_go_on()), prepared(_end())
    save, note = prepared(_save(SQLITE, None)), prepared(_note(None))
    return InTransaction(go_on, save), InTransaction(end, save, note), InTransaction(end, note)


def _ours() -> Any:
    """Compare the fence, and the moment too: a database that went back gives the next driver an old one's fence."""
    return and_(
        runs.c.run_id == bindparam("driven_run", type_=String),
        runs.c.fence == cast(bindparam("held_fence"), BigInteger),
        runs.c.acquired_at == cast(bindparam("held_since", type_=Text), UtcTime),
    )


def _is_driven() -> Any:
    return and_(_ours(), runs.c.status == _RUNNING)


def _is_as_left() -> Any:
    """Refuse a run that its driver had moved on: a backup was restored, or a standby took over that lacked a step."""
    left_at = func.coalesce(cast(bindparam("left_at"), NAME), runs.c.current_step)  # null: nobody knows where
    return and_(_is_driven(), runs.c.current_step.is_not_distinct_from(left_at))


def _go_on() -> Any:
    """Move the run on to its next step and renew its lease."""
    return (
        update(runs)
        .where(_is_as_left())
        .values(
            current_step=cast(bindparam("next_step"), NAME),
            resume_point=null(),
            expires_at=seconds_from_now(bindparam("lease_seconds", type_=Float)),
            updated_at=now(),
        )
    )


def _end() -> Any:
    """End the run and release its lease; what a failed run was told is still to be carried by a checkpoint."""
    status = cast(bindparam("new_status", type_=String), Text)
    failed, waits = status == RunStatus.FAILED.value, status == RunStatus.WAITING.value
    return (
        update(runs)
        .where(_is_as_left())
        .values(
            status=cast(bindparam("new_status", type_=String), runs.c.status.type),
            current_step=case((waits, runs.c.current_step), else_=cast(bindparam("error_step"), NAME)),
            resume_point=case((failed, runs.c.resume_point), else_=null()),
            error_step=cast(bindparam("error_step"), NAME),
            error=cast(bindparam("error"), Text),
            error_type=cast(bindparam("error_type"), runs.c.error_type.type),
            error_category=cast(bindparam("error_category"), runs.c.error_category.type),
            holder=null(),
            expires_at=null(),
            finished_at=now(),
            updated_at=now(),
        )
    )


def _save(dialect: str, moved: Any | None) -> Any:
    """Write the checkpoint, over an earlier one of the same step."""
    values = {
        "run_id": _run_id(moved),
        "step_name": cast(bindparam("step_name"), NAME),
        "sequence": cast(bindparam("sequence"), BigInteger),
        "next_step": cast(bindparam("next_step"), NAME),
        "context_snapshot": cast(bindparam("context_snapshot", type_=Text), JsonText),
        "size": cast(bindparam("size"), BigInteger),
        "metadata": cast(bindparam("metadata", type_=Text), JsonText),
        "base_sequence": cast(bindparam("base_sequence"), BigInteger),
    }
    new_row = _row(upsert(dialect, checkpoints), values, moved)
    replaced = {name: new_row.excluded[name] for name in values if name not in ("run_id", "step_name")}
    return new_row.on_conflict_do_update(index_elements=["run_id", "step_name"], set_={**replaced, "updated_at": now()})


def _note(moved: Any | None) -> Any:
    """Write the event that tells of the end."""
    values = {
        "run_id": _run_id(moved),
        "kind": cast(bindparam("event_kind"), events.c.kind.type),
        "step_name": cast(bindparam("error_step"), NAME),
        "actor": cast(bindparam("actor"), events.c.actor.type),
        "details": cast(bindparam("details", type_=Text), JsonText),
    }
    return _row(insert(events), values, moved)


def _row(new: Any, values: dict[str, Any], moved: Any | None) -> Any:
    """Insert one row; on PostgreSQL only if the statement that it comes from touched the run."""
    return new.values(values) if moved is None else new.from_select(list(values), select(*values.values()))


def _run_id(moved: Any | None) -> Any:
    return cast(bindparam("driven_run"), RUN_ID) if moved is None else moved.c.run_id


def _is_saved() -> Any:
    """Ask for this driver's checkpoint: under its fence, a sequence is its own."""
    saved = and_(
        checkpoints.c.run_id == runs.c.run_id,
        checkpoints.c.step_name == cast(bindparam("step_name"), NAME),
        checkpoints.c.sequence == cast(bindparam("sequence"), BigInteger),
    )
    return select(checkpoints.c.sequence).select_from(runs.join(checkpoints, saved)).where(_ours())


def _has_ended() -> Any:
    """Ask for this driver's ending."""
    return select(runs.c.status).where(_ours(), runs.c.status == cast(bindparam("new_status"), runs.c.status.type))
