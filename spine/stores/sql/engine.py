"""From a URL to an engine: drivers, timeouts, pragmas; and its transactions."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, ExceptionContext, event

from spine import clock
from spine.errors import InvalidSetting, StoreError, StoreUnavailable
from spine.stores.sql import own_connection, timeouts
from spine.stores.sql.blockers import naming_blockers
from spine.stores.sql.dialect import POSTGRESQL, SQLITE, one_snapshot
from spine.stores.sql.driver_errors import READ_ONLY, takes_no_writes, translated
from spine.stores.sql.own_connection import OwnConnection
from spine.stores.sql.pool import ClosablePool
from spine.stores.sql.tables import SCHEMA_TABLE
from spine.stores.sql.url import OF_SPINE, secrets_in

T = TypeVar("T")
_HAS_TABLES = "SELECT 1 FROM sqlite_master WHERE name = ?"
_POSTGRESQL_CONNECT = {
    "connect_timeout": timeouts.CONNECT_SECONDS,
    "tcp_user_timeout": timeouts.TCP_USER_SECONDS * 1000,
    "keepalives_idle": timeouts.TCP_USER_SECONDS,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "application_name": "spine",
    "client_encoding": "UTF8",  # whatever the database's is, or the environment says
    "prepare_threshold": None,  # what psycopg prepares by itself it lets go of with all that others have prepared
}
_TIMEOUTS = f"-c statement_timeout={timeouts.STATEMENT_SECONDS}s -c lock_timeout={timeouts.LOCK_SECONDS}s"
# How times are read; and who loses a race is told by whom, not to try again.
_AS_SPINE_READS = r"-c timezone=UTC -c datestyle=ISO -c default_transaction_isolation=read\ committed"


def located(url: URL) -> URL:
    """Give a URL that leads to the same file from wherever the process goes."""
    if url.drivername != SQLITE:
        return url
    try:
        path = Path(str(url.database)).absolute()
    except FileNotFoundError:
        told = (
            "the current folder is gone; go to another one, or name the database from the root: sqlite:////srv/spine.db"
        )
        raise InvalidSetting(told) from None
    if ".." in path.parts:  # SQLAlchemy would take them out of the text, which a link makes another file
        path = path.parent.resolve() / path.name
    return url.set(database=str(path))


def make_engine(url: URL) -> Engine:
    """Make the engine of a database; nothing is connected yet."""
    options: dict[str, Any] = {
        "poolclass": ClosablePool,
        "hide_parameters": True,
        "pool_pre_ping": True,
        "max_overflow": -1,
    }
    if url.drivername == SQLITE:
        engine = sqlalchemy.create_engine(
            located(url),
            connect_args={"timeout": timeouts.BUSY_SECONDS, "check_same_thread": False, "factory": OwnConnection},
            **options,
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        own_connection.close_idle_before_forks(engine)
    else:
        is_pooled = "pooler" in url.query
        asked = {name: value for name, value in _POSTGRESQL_CONNECT.items() if name not in url.query}
        if not is_pooled:  # a pooler in transaction mode hands each transaction to another session: nothing may be set
            told = os.environ.get("PGOPTIONS", ""), _AS_SPINE_READS, str(url.query.get("options", ""))
            asked["options"] = " ".join((_TIMEOUTS, *told)).rstrip()  # of two settings the last one counts
            url = url.difference_update_query(["options"])
        settings = {
            "answer_seconds": float(str(url.query.get("answer_timeout", timeouts.ANSWER_SECONDS))),
            "prepares": not is_pooled,
            "spins": "spin" not in url.query,
        }
        secret = secrets_in(url)  # whoever prints an engine prints the options of its URL
        url = url.difference_update_query([*OF_SPINE, *secret])
        engine = sqlalchemy.create_engine(url, connect_args=asked | secret, paramstyle="format", **options)
        event.listen(engine, "do_connect", partial(_connect_postgresql, settings))
        event.listen(engine, "handle_error", _let_go_of_what_takes_no_writes)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that only reads, and sees what was committed when it began to."""
    with naming_blockers(engine), engine.connect() as connection:
        yield connection.execution_options(**one_snapshot(engine.dialect.name))


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that writes; on SQLite the write lock is taken first."""
    with naming_blockers(engine), engine.connect() as connection:
        connection.execution_options(spine_writes=True)
        with connection.begin():
            yield connection


def write(engine: Engine, act: Callable[[Connection], T]) -> T:
    """Act in a transaction that writes; if that connection is of a time when nothing could be written, on a new one."""
    try:
        with writing(engine) as connection:
            return act(connection)
    except StoreError as error:
        if not takes_no_writes(error):
            raise
    with writing(engine) as connection:
        return act(connection)


def _connect_postgresql(
    settings: Mapping[str, Any], _dialect: Any, _record: Any, arguments: Sequence[Any], options: dict[str, Any]
) -> Any:
    from spine.stores.sql.connection import BoundedConnection  # noqa: PLC0415  # the driver, where it is chosen

    connection: Any = BoundedConnection.connect(*arguments, **options)
    _require_utf8(connection)
    for name, value in settings.items():
        setattr(connection, name, value)
    return connection


def _require_utf8(connection: Any) -> None:
    """Refuse a database of another encoding: it lacks characters, or counts bytes where names have characters."""
    encoding = connection.info.parameter_status("server_encoding")  # a pooler may not say
    if encoding not in ("UTF8", None):
        connection.close()
        raise StoreUnavailable(
            f"the encoding of the database is {encoding}, which cannot keep every text, and Spine needs UTF8: "
            "CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0"
        )


def _let_go_of_what_takes_no_writes(context: ExceptionContext) -> None:
    """Keep no session that was opened while the server took no writes: it takes none for as long as it is open."""
    if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
        context.is_disconnect = True


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # BEGIN is ours: see _begin_sqlite
    connection.text_factory = _text  # one text that is no UTF-8 would keep all rows from being read
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    know_log(connection)


def know_log(connection: OwnConnection) -> None:
    """See that a file with Spine's tables has a write-ahead log, and which; somebody may have made them just now."""
    if connection.log_and_index is None and connection.execute(_HAS_TABLES, (SCHEMA_TABLE,)).fetchone():
        _switch_to_wal(connection)


def _text(raw: bytes) -> str:
    """Read text; what is no UTF-8 begins with a SUB, as no JSON does, and is found to be damaged."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return "\x1a" + raw.decode(errors="backslashreplace")


def use_wal(engine: Engine) -> None:
    """Have a SQLite file that has just got its tables keep a write-ahead log; every later connection sees to it."""
    with translated(engine.url), closing(engine.raw_connection()) as connection:
        _switch_to_wal(connection.driver_connection)


def _switch_to_wal(connection: Any) -> None:
    """Wait for others that switch too: SQLite does not call its busy handler here."""
    deadline = clock.stopwatch() + timeouts.BUSY_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or clock.stopwatch() > deadline:
                raise
            clock.sleep(0.005)
        else:
            if mode != "wal":
                path = connection.execute("PRAGMA database_list").fetchone()[2]
                raise StoreUnavailable(f"{path} cannot have a write-ahead log where it is; keep it on a local disk")
    connection.execute("SELECT 1 FROM sqlite_master").fetchone()  # which opens the log
    connection.note_log()


def _begin_sqlite(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    know_log(driver)
    driver.require_same_files()
    driver.require_same_log()
    writes = connection.get_execution_options().get("spine_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def is_absent(engine: Engine) -> bool:
    """Tell whether this is a SQLite file that is not there yet, which connecting would make.

    One that may not be looked at may be there: connecting says what is the matter.
    """
    if is_postgresql(engine):
        return False
    try:
        Path(str(engine.url.database)).stat()
    except OSError as error:
        return isinstance(error, (FileNotFoundError, NotADirectoryError))
    return False


def file_of(engine: Engine) -> tuple[int, int] | None:
    """Tell which file a SQLite database is, whatever is done to its name; None for PostgreSQL."""
    return None if is_postgresql(engine) else own_connection.inode_of(str(engine.url.database))


def is_postgresql(engine: Engine) -> bool:
    """Tell which of the two this is."""
    return engine.dialect.name == POSTGRESQL
