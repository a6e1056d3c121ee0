"""What SQLite and PostgreSQL only spell differently; a module where one works in another way asks which one it has."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Float, Text, TextClause, cast, text, type_coerce
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from spine.errors import SnapshotCorrupt

POSTGRESQL = "postgresql"
SQLITE = "sqlite"
_SQLITE_TIME = "'%Y-%m-%d %H:%M:%f000+00:00'"


class JsonText(TypeDecorator[str]):
    """A JSON document that is text on our side: JSONB on PostgreSQL, TEXT on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column's type."""
        if dialect.name != POSTGRESQL:
            return Text()
        from sqlalchemy.dialects.postgresql import JSONB  # noqa: PLC0415  # slow to import, and no use to SQLite

        return JSONB()

    def bind_expression(self, bindparam: Any) -> ColumnElement[Any]:
        """Send text; bound as JSON it would be encoded twice."""
        return cast(type_coerce(bindparam, Text), self)

    def column_expression(self, column: Any) -> ColumnElement[Any]:
        """Read text: our codec parses it, not the driver."""
        return cast(column, Text)


class UtcTime(TypeDecorator[datetime]):
    """A moment in UTC: TIMESTAMPTZ on PostgreSQL, ISO 8601 text with its offset on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column's type."""
        return DateTime(timezone=True) if dialect.name == POSTGRESQL else Text()

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Send a moment; on SQLite as text that sorts by time."""
        return value if value is None or dialect.name == POSTGRESQL else write_time(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Read a moment, in UTC whatever the session's time zone."""
        if value is None:
            return None
        try:
            return (_parsed(value) if isinstance(value, str) else value).astimezone(UTC)
        except (ValueError, OverflowError, AttributeError) as error:
            raise SnapshotCorrupt(f"a stored time is damaged: {value!r:.40} is none; nothing was run") from error


def write_time(moment: datetime) -> str:
    """Write a moment as both databases read it, and as SQLite holds it."""
    return moment.astimezone(UTC).isoformat(sep=" ", timespec="microseconds")


def _parsed(text: str) -> datetime:
    """Read what SQLite holds; what an operator wrote with CURRENT_TIMESTAMP has no zone and is UTC too."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class now(FunctionElement[datetime]):  # noqa: N801
    """The database's clock (on SQLite the machine's) at this moment, not at the start of the transaction."""

    type = UtcTime()
    inherit_cache = True


class seconds_from_now(FunctionElement[datetime]):  # noqa: N801
    """The database's clock moved by some seconds, which may be negative."""

    type = UtcTime()
    inherit_cache = True


@compiles(now, POSTGRESQL)
def _now_postgresql(element: Any, compiler: Any, **kw: Any) -> str:  # noqa: ARG001
    return "clock_timestamp()"


@compiles(now, SQLITE)
def _now_sqlite(element: Any, compiler: Any, **kw: Any) -> str:  # noqa: ARG001
    return f"strftime({_percent(_SQLITE_TIME, compiler)}, 'now')"


@compiles(seconds_from_now, POSTGRESQL)
def _from_now_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    seconds = compiler.process(cast(next(iter(element.clauses)), Float(53)), **kw)
    return f"(clock_timestamp() + make_interval(secs => {seconds}))"


@compiles(seconds_from_now, SQLITE)
def _from_now_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    seconds = compiler.process(element.clauses, **kw)
    return f"strftime({_percent(_SQLITE_TIME, compiler)}, 'now', {seconds} || ' seconds')"


def _percent(text: str, compiler: Any) -> str:
    return text.replace("%", "%%") if compiler.preparer._double_percents else text  # noqa: SLF001


def one_snapshot(dialect: str) -> dict[str, Any]:
    """Give the options of a connection whose SELECTs are to see one moment, which on SQLite those of a transaction do.

    PostgreSQL is told with the BEGIN. It is not told READ ONLY: SQLAlchemy would give the connection back as READ
    WRITE, whatever the default of the database is.
    """
    return {"isolation_level": "REPEATABLE READ"} if dialect == POSTGRESQL else {}


def has_relation(dialect: str) -> TextClause:
    """Give the question whether a table, view or index is named `:name`; SQLAlchemy's own takes many times as long."""
    if dialect == POSTGRESQL:
        return text("SELECT to_regclass(:name) IS NOT NULL")
    return text("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = :name)")


def upsert(dialect: str, table: Any) -> Any:
    """Begin an INSERT that may go on with `on_conflict_do_update`."""
    if dialect == POSTGRESQL:
        from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415  # slow to import, and no use to SQLite

        return insert(table)
    return sqlite.insert(table)


def numbered(kind: type[Dialect]) -> Dialect:
    """Make a dialect of this kind that names the arguments of a statement as its database itself does."""
    options = {"paramstyle": "numeric_dollar"} if kind.name == POSTGRESQL else {}
    return kind(**options)


def run_prepared(
    dialect: str, statement: str, arguments: Callable[[Mapping[str, Any]], Sequence[Any]]
) -> Callable[[Any, Mapping[str, Any]], int]:
    """Give what runs a statement, prepared, on a driver's own cursor and tells how many rows it touched or found.

    `arguments` gives those of the statement, in its order, from values by name.
    """

    def on_postgresql(cursor: Any, values: Mapping[str, Any]) -> int:
        given = arguments(values)
        texts = [each if each is None or type(each) is bytes else str(each).encode() for each in given]
        return cursor.connection.run(statement, texts)  # type: ignore[no-any-return]

    def on_sqlite(cursor: Any, values: Mapping[str, Any]) -> int:
        cursor.execute(statement, arguments(values))
        return int(cursor.rowcount) if cursor.description is None else len(cursor.fetchall())

    return on_postgresql if dialect == POSTGRESQL else on_sqlite
