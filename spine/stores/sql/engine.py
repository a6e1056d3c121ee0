"""From a URL to an engine: drivers, timeouts, pragmas; and from what drivers raise to `StoreError`."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from spine.errors import InvalidSetting, StoreBusy, StoreError, StoreFull, StoreUnavailable
from spine.stores.sql.dialect import POSTGRESQL, SQLITE

CONNECT_SECONDS = 10
TCP_USER_SECONDS = 20
LOCK_SECONDS = 10
STATEMENT_SECONDS = 30
BUSY_SECONDS = 10.0

_DRIVERS = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_POSTGRESQL_CONNECT = {
    "connect_timeout": CONNECT_SECONDS,
    "tcp_user_timeout": TCP_USER_SECONDS * 1000,
    "keepalives_idle": TCP_USER_SECONDS,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "application_name": "spine",
    "options": f"-c statement_timeout={STATEMENT_SECONDS}s -c lock_timeout={LOCK_SECONDS}s -c timezone=UTC",
}
# A pooler in transaction mode hands each transaction to another session: nothing may be prepared or set on one.
_BEHIND_A_POOLER = {name: value for name, value in _POSTGRESQL_CONNECT.items() if name != "options"} | {
    "prepare_threshold": None
}

_PASSING = frozenset({"40001", "40P01", "57P01", "57P02", "57P03", "57P05", "25P03"})
_LOCKED = (StoreBusy, "a lock is held by another session for too long; try again")
_LOST = (StoreUnavailable, "cannot be reached; check the URL and that the server runs, and try again")
_BY_STATE: dict[str, tuple[type[StoreError], str]] = {
    "55P03": _LOCKED,
    "40P01": _LOCKED,
    "40001": _LOCKED,
    "57014": (StoreBusy, f"a statement took longer than {STATEMENT_SECONDS} s; try again"),
    "53300": (StoreUnavailable, "has too many connections; try again, or raise max_connections"),
    "53": (StoreFull, "is out of space or memory; free some and resume"),
    "28": (StoreUnavailable, "refuses the login; check user and password"),
    "3D000": (StoreUnavailable, "there is no such database; create it first"),
    "42501": (StoreUnavailable, "the role lacks a permission; grant it"),
    "08": _LOST,
    "08000": _LOST,
    "57": _LOST,
}


def parse_url(text: str) -> URL:
    """Read a database URL; raise `InvalidSetting` without repeating it, since it may hold a password."""
    try:
        url = sqlalchemy.make_url(text)
    except (ArgumentError, ValueError):
        raise InvalidSetting(
            "the database URL cannot be read; it looks like sqlite:///spine.db or postgresql://user:password@host/name"
        ) from None
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise InvalidSetting(
            f"no store for {url.drivername!r} URLs; use sqlite:///spine.db, postgresql://user:password@host/name "
            "or memory://"
        )
    if driver == SQLITE and url.database in (None, "", ":memory:"):
        raise InvalidSetting("a SQLite URL needs a file: sqlite:///spine.db; without a file, use memory://")
    if "@" in (url.host or ""):  # the rest of the password would be taken for the host, and shown
        raise InvalidSetting("the database URL has more than one @; in a password, write it as %40")
    if url.query.get("pooler", "transaction") != "transaction":
        raise InvalidSetting("the pooler of a database URL can be transaction; leave it out for anything else")
    return url.set(drivername=driver)


def describe(url: URL) -> str:
    """Spell a URL for people, without its password."""
    shown = url.set(query={name: value for name, value in url.query.items() if "pass" not in name.lower()})
    return shown.render_as_string(hide_password=True).replace("postgresql+psycopg:", "postgresql:", 1)


def make_engine(url: URL) -> Engine:
    """Make the engine of a database; nothing is connected yet."""
    options: dict[str, Any] = {"hide_parameters": True, "pool_pre_ping": True, "max_overflow": -1}
    if url.drivername == SQLITE:
        engine = sqlalchemy.create_engine(
            url.set(database=str(Path(str(url.database)).absolute())),
            connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
            **options,
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        known = _BEHIND_A_POOLER if "pooler" in url.query else _POSTGRESQL_CONNECT
        asked = {name: value for name, value in known.items() if name not in url.query}
        url = url.difference_update_query(["pooler"])
        engine = sqlalchemy.create_engine(url, connect_args=asked, paramstyle="format", **options)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that only reads."""
    with translated(engine.url), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that writes; on SQLite the write lock is taken first."""
    with translated(engine.url), engine.connect() as connection:
        connection.execution_options(spine_writes=True)
        with connection.begin():
            yield connection


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Turn what the driver or SQLAlchemy raises inside into a `StoreError`."""
    try:
        yield
    except DBAPIError as error:
        raise store_error(error.orig or error, url) from error
    except PoolTimeout as error:
        raise StoreUnavailable(f"no free connection to {describe(url)}") from error
    except Exception as error:
        if _is_driver_error(error):
            raise store_error(error, url) from error
        raise


def store_error(error: BaseException, url: URL) -> StoreError:
    """Say what a driver's error means, by its SQLSTATE or SQLite's code, never by its text."""
    where = describe(url)
    if isinstance(error, sqlite3.Error):
        return _sqlite_error(error, where)
    return _postgresql_error(getattr(error, "sqlstate", None), error, where)


def is_passing(error: StoreError) -> bool:
    """Tell, by its SQLSTATE, whether what PostgreSQL raised may be gone on a new connection in a moment.

    A lost connection has none. SQLite waits for its lock by itself, and nothing else of it passes.
    """
    driver_error: Any = error.__cause__
    driver_error = getattr(driver_error, "orig", driver_error)
    if isinstance(driver_error, sqlite3.Error):
        return False
    state = getattr(driver_error, "sqlstate", None)
    return state is None or state in _PASSING or state[:2] in ("08", "53")


def _is_driver_error(error: Exception) -> bool:
    return isinstance(error, sqlite3.Error) or type(error).__module__.partition(".")[0] == "psycopg"


def _sqlite_error(error: sqlite3.Error, where: str) -> StoreError:
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusy(f"{where} stayed locked by another process for {BUSY_SECONDS:g} s; try again")
    if primary == sqlite3.SQLITE_FULL:
        return StoreFull(f"no space left for {where}; free some and resume")
    if primary == sqlite3.SQLITE_READONLY:
        return StoreUnavailable(f"{where} is read-only; check the permissions of the file and its folder")
    if primary == sqlite3.SQLITE_CANTOPEN:
        return StoreUnavailable(f"cannot open {where}; check that the folder exists and may be written")
    if primary in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return StoreUnavailable(f"{where} is not a SQLite database, or is damaged; check with: PRAGMA integrity_check")
    return StoreUnavailable(f"{where}: {error}")


def _postgresql_error(state: str | None, error: BaseException, where: str) -> StoreError:
    known = _BY_STATE.get(state or "08000") or _BY_STATE.get((state or "")[:2])
    if known is None:
        return StoreError(f"{where} refused a statement ({state}): {_first_line(error)}")
    kind, meaning = known
    detail = f" ({_first_line(error)})" if kind is StoreUnavailable else ""
    return kind(f"{where}: {meaning}{detail}")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # BEGIN is ours: see _begin_sqlite
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    _switch_to_wal(connection)


def _switch_to_wal(connection: Any) -> None:
    """Wait for others that switch too: SQLite does not call its busy handler here."""
    deadline = time.monotonic() + BUSY_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.005)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("spine_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def is_postgresql(engine: Engine) -> bool:
    """Tell which of the two this is."""
    return engine.dialect.name == POSTGRESQL
