"""`Session`: one connection, held for as long as a run is driven and opened again when it is lost."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from spine.errors import StoreError
from spine.stores.sql.blockers import naming_blockers
from spine.stores.sql.driver_errors import is_passing, translated
from spine.stores.sql.engine import is_postgresql, know_log
from spine.stores.sql.own_connection import OwnConnection
from spine.stores.sql.prepared import Statement
from spine.stores.sql.reconnecting import try_again

T = TypeVar("T")


class Session:
    """Runs writes on the driver's own cursor; on PostgreSQL each statement is its own transaction.

    When the connection is lost it is opened again for up to `reconnect_seconds`, and whether the write got through
    is found out before it is tried again.
    """

    def __init__(self, engine: Engine, *, reconnect_seconds: float) -> None:
        self._engine = engine
        self._reconnect_seconds = reconnect_seconds
        self._connection: Connection | None = None
        self.cursor: Any = None
        self._own: OwnConnection | None = None
        try:
            with translated(engine.url):
                self._open()
        except StoreError as error:  # too many connections, say; the run is claimed already
            if not is_passing(error):
                raise
            self._again(error, self._reopen)

    def run(self, write: Statement, values: Mapping[str, Any], *, question: Statement) -> int:
        """Write and tell how many rows that touched; `question` finds out, on a new connection, if it got through."""
        try:
            return self._write(write, values)
        except Exception as raised:  # noqa: BLE001  # nothing is paid for a write that succeeds
            if self._own is not None:  # else it may be told that the file is damaged
                self._own.require_same_files()
                self._own.require_same_log()
            error = self._named(raised)
        if not is_passing(error):
            raise error from error.__cause__
        return self._again(error, lambda: self._ask_or_write(write, values, question))

    def _write(self, write: Statement, values: Mapping[str, Any]) -> int:
        """Write into the files that everybody sees alone, and believe it only if they still are."""
        own = self._own
        if own is None:
            return write.run(self.cursor, values)
        own.require_same_files()
        rows = write.run(self.cursor, values)
        own.require_same_files()
        return rows

    def require_same_log(self) -> None:
        """Raise `StoreUnavailable` if what was written to SQLite went into a log that nobody else sees."""
        if self._own is not None:
            self._own.require_same_log()

    def close(self) -> None:
        """Give the connection back to the pool."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _named(self, raised: Exception) -> StoreError:
        """Give what a write raised as a `StoreError`; raise anything else again."""
        try:
            with naming_blockers(self._engine):
                raise raised
        except StoreError as error:
            return error

    def _ask_or_write(self, write: Statement, values: Mapping[str, Any], question: Statement) -> int:
        """Write unless that is done; the first try may still be at work over there, and end only while we wait."""
        cursor = self._reopen()
        return question.run(cursor, values) or write.run(cursor, values) or question.run(cursor, values)

    def _again(self, first: StoreError, act: Callable[[], T]) -> T:
        """Try on a new connection until it works or the time is over."""
        return try_again(self._engine, first, act, seconds=self._reconnect_seconds)

    def _open(self) -> None:
        connection = self._engine.connect()
        if is_postgresql(self._engine):
            connection.execution_options(isolation_level="AUTOCOMMIT")
        self._connection = connection
        driver: Any = connection.connection.driver_connection
        self.cursor = driver.cursor()
        if isinstance(driver, OwnConnection):
            know_log(driver)
            self._own = driver

    def _reopen(self) -> Any:
        if self._connection is not None:
            self._connection.invalidate()
            self.close()
        self._open()
        return self.cursor
