"""`Prepared`: a statement built with Core and compiled once, then run on the driver itself; or several in one go."""

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Protocol

from sqlalchemy import Dialect
from sqlalchemy.sql import Executable

from spine.stores.sql import dialect as dialects


class Statement(Protocol):
    """What a session runs."""

    def run(self, cursor: Any, values: Mapping[str, Any]) -> int:
        """Execute with these values and tell how many rows it touched or, asked a question, found."""


class Prepared:
    """The SQL of a statement and the order of its parameters; values the statement was built with are kept."""

    __slots__ = ("_arguments", "_constants", "_run", "_sql")

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialects.numbered(dialect))  # type: ignore[attr-defined]
        self._sql = str(compiled)
        self._run = dialects.run_prepared(dialect.name)
        self._arguments = itemgetter(*compiled.positiontup)  # of a statement with one parameter it would be no tuple
        self._constants: dict[str, Any] = {name: value for name, value in compiled.params.items() if value is not None}

    def run(self, cursor: Any, values: Mapping[str, Any]) -> int:
        """See `Statement`."""
        if self._constants:
            values = {**self._constants, **values}
        return self._run(cursor, self._sql, self._arguments(values))


class InTransaction:
    """Statements of SQLite in one transaction; only if the first touches a row, the others follow."""

    __slots__ = ("_first", "_others")

    def __init__(self, first: Statement, *others: Statement) -> None:
        self._first, self._others = first, others

    def run(self, cursor: Any, values: Mapping[str, Any]) -> int:
        """See `Statement`; it is the first that tells."""
        cursor.execute("BEGIN IMMEDIATE")
        try:
            rows = self._first.run(cursor, values)
            if rows:
                for statement in self._others:
                    statement.run(cursor, values)
                cursor.execute("COMMIT")
        finally:
            if cursor.connection.in_transaction:
                cursor.execute("ROLLBACK")
        return rows
