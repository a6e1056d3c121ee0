"""`Blocker`: the session of PostgreSQL that has a lock which was not to be had in time."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

from spine.errors import StoreBusy, StoreError
from spine.stores.sql.driver_errors import translated
from spine.stores.sql.tables import metadata

_LOCK_NOT_AVAILABLE = "55P03"
_PLACE = re.compile(r"\(\d+,\d+\)")
_SESSION = "a.pid, a.application_name, a.usename, a.state, a.xact_start"
# Whoever locks or changes a row leaves the number of its transaction in the row, and holds a lock on that number.
_LOCKS_ROW = """
    SELECT {session} FROM {table} AS r
    JOIN pg_locks AS l ON l.locktype = 'transactionid' AND l.granted AND l.transactionid = r.xmax
    JOIN pg_stat_activity AS a ON a.pid = l.pid
    WHERE r.ctid = CAST(:place AS tid) AND a.pid <> pg_backend_pid()
"""
_LOCKS_TABLE = """
    SELECT {session} FROM pg_locks AS l
    JOIN pg_stat_activity AS a ON a.pid = l.pid
    WHERE l.granted AND l.relation IN (SELECT to_regclass(name) FROM unnest(CAST(:tables AS TEXT[])) AS name)
    AND a.datname = current_database() AND a.pid <> pg_backend_pid()
    ORDER BY l.mode = 'AccessShareLock', a.xact_start LIMIT 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """A session that is in the way; `since` is when its transaction began, None is what our role may not see."""

    pid: int
    application: str | None
    user: str | None
    state: str | None
    since: datetime | None
    is_certain: bool

    def described(self) -> str:
        """Say for people who it is and how to end it."""
        who = [repr(self.application) if self.application else "", f"user {self.user}" if self.user else ""]
        named = ", ".join(filter(None, who))
        begun = f"begun at {self.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if self.since else ""
        told = [f"session {self.pid}" + (f" ({named})" if named else ""), self.state or "", begun]
        perhaps = "" if self.is_certain else "perhaps "
        return (
            f"{perhaps}in the way is {', '.join(filter(None, told))}; "
            f"end it with: SELECT pg_terminate_backend({self.pid})"
        )


@contextmanager
def naming_blockers(engine: Engine) -> Iterator[None]:
    """Turn what the driver raises inside into a `StoreError`; a lock that was not to be had names who has it."""
    try:
        with translated(engine.url):
            yield
    except StoreBusy as error:
        driver_error: Any = getattr(error.__cause__, "orig", error.__cause__)
        if getattr(driver_error, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        blocker = _find(engine, driver_error.diag.context or "")
        if blocker is None:
            raise
        raise StoreBusy(f"{error}; {blocker.described()}") from error.__cause__


def _find(engine: Engine, context: str) -> Blocker | None:
    """Ask, on another connection, who has the row that the error tells of, else who has had the tables longest."""
    try:
        with translated(engine.url), engine.connect() as connection:
            return _holder_of_row(connection, context) or _holder_of_tables(connection)
    except StoreError:  # then what is known already must do
        return None


def _holder_of_row(connection: Connection, context: str) -> Blocker | None:
    place = _PLACE.search(context)
    table = next((name for name in metadata.tables if name in context), None)
    if place is None or table is None:
        return None
    question = text(_LOCKS_ROW.format(session=_SESSION, table=table))
    return _blocker(connection.execute(question, {"place": place[0]}).first(), is_certain=True)


def _holder_of_tables(connection: Connection) -> Blocker | None:
    question = text(_LOCKS_TABLE.format(session=_SESSION))
    row = connection.execute(question, {"tables": [*metadata.tables]}).first()
    return _blocker(row, is_certain=False)


def _blocker(row: Any, *, is_certain: bool) -> Blocker | None:
    if row is None:
        return None
    return Blocker(
        pid=row.pid,
        application=row.application_name,
        user=row.usename,
        state=row.state,
        since=row.xact_start,
        is_certain=is_certain,
    )
