"""`Blocker`: the session of PostgreSQL that has a lock which was not to be had in time."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, text

from spine.errors import StoreBusy, StoreError
from spine.stores.sql.driver_errors import translated
from spine.stores.sql.tables import metadata

_LOCK_NOT_AVAILABLE = "55P03"
_PLACE = re.compile(r"\(\d+,\d+\)")
_SESSION = """
    a.pid, a.application_name, coalesce(a.usename, p.owner) AS usename, a.state, a.backend_type,
    coalesce(a.xact_start, p.prepared) AS xact_start, p.gid
"""
# A transaction that was prepared holds its locks without a session; one of them is on its own number.
_HOLDER = """
    LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
    LEFT JOIN pg_locks AS own ON l.pid IS NULL AND own.pid IS NULL AND own.locktype = 'transactionid'
        AND own.virtualtransaction = l.virtualtransaction
    LEFT JOIN pg_prepared_xacts AS p ON p.transaction = own.transactionid
"""
# Whoever locks or changes a row leaves the number of its transaction in the row, and holds a lock on that number.
_LOCKS_ROW = """
    SELECT {session} FROM {table} AS r
    JOIN pg_locks AS l ON l.locktype = 'transactionid' AND l.granted AND l.transactionid = r.xmax {holder}
    WHERE r.ctid = CAST(:place AS tid) AND l.pid IS DISTINCT FROM pg_backend_pid()
"""
_LOCKS_TABLE = """
    SELECT {session} FROM pg_locks AS l {holder}
    WHERE l.granted AND l.locktype = 'relation'
    AND l.relation IN (SELECT to_regclass(name) FROM unnest(CAST(:tables AS TEXT[])) AS name)
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.mode = ANY(CAST(:modes AS TEXT[])) AND l.pid IS DISTINCT FROM pg_backend_pid()
    ORDER BY array_position(CAST(:modes AS TEXT[]), l.mode), coalesce(a.wait_event_type, '') = 'Lock',
        coalesce(a.xact_start, p.prepared) LIMIT 1
"""
_WAIT_NO_MORE = text("SET LOCAL lock_timeout = '500ms'")  # where somebody who changes the table is waiting too
# The locks on a table of those who lock rows of it; and all that may keep one from a table, the strongest first.
_OF_ROWS = ("RowShareLock", "RowExclusiveLock")
_OF_TABLES = (
    "AccessExclusiveLock",
    "ExclusiveLock",
    "ShareRowExclusiveLock",
    "ShareLock",
    "ShareUpdateExclusiveLock",
    *_OF_ROWS,
    "AccessShareLock",
)
_CLIENTS = (None, "client backend")  # None is what our role may not see


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """A session that is in the way, or a transaction that was prepared (`gid`) and has none.

    `since` is when the transaction began, None is what our role may not see.
    """

    pid: int | None
    application: str | None
    user: str | None
    state: str | None
    since: datetime | None
    gid: str | None
    backend_type: str | None
    is_certain: bool

    def described(self) -> str:
        """Say for people who it is and how to end it."""
        who = [repr(self.application) if self.application else "", f"user {self.user}" if self.user else ""]
        named = ", ".join(filter(None, who))
        begun = f"begun at {self.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if self.since else ""
        which, end = f"session {self.pid}", f"SELECT pg_terminate_backend({self.pid})"
        if self.gid is not None:
            quoted = f"""'{self.gid.replace("'", "''")}'"""
            which, end = f"the prepared transaction {quoted}", f"ROLLBACK PREPARED {quoted}, or COMMIT PREPARED"
        told = [which + (f" ({named})" if named else ""), self.state or "", begun]
        perhaps = "" if self.is_certain else "perhaps "
        if self.gid is None and self.backend_type not in _CLIENTS:
            return f"{perhaps}in the way is process {self.pid} of the server itself ({self.backend_type})"
        return f"{perhaps}in the way is {', '.join(filter(None, told))}; end it with: {end}"


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
    """Ask, on other connections, who has the row that the error tells of, else who may be in the way of the tables."""
    place = _PLACE.search(context)
    table = next((name for name in metadata.tables if name in context), None)
    asks: list[Callable[[Connection], Blocker | None]]
    if place is None or table is None:
        asks = [partial(_holder_of_tables, tables=[*metadata.tables], modes=_OF_TABLES)]
    else:
        asks = [
            partial(_holder_of_row, table=table, place=place[0]),
            partial(_holder_of_tables, tables=[table], modes=_OF_ROWS),
        ]
    for ask in asks:
        with suppress(StoreError), translated(engine.url), engine.connect() as connection:
            found = ask(connection)
            if found is not None:
                return found
    return None


def _holder_of_row(connection: Connection, *, table: str, place: str) -> Blocker | None:
    connection.execute(_WAIT_NO_MORE)
    question = text(_LOCKS_ROW.format(session=_SESSION, holder=_HOLDER, table=table))
    return _blocker(connection.execute(question, {"place": place}).first(), is_certain=True)


def _holder_of_tables(connection: Connection, *, tables: Sequence[str], modes: Sequence[str]) -> Blocker | None:
    question = text(_LOCKS_TABLE.format(session=_SESSION, holder=_HOLDER))
    row = connection.execute(question, {"tables": [*tables], "modes": [*modes]}).first()
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
        gid=row.gid,
        backend_type=row.backend_type,
        is_certain=is_certain,
    )
