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
    """The SQL of a statement and the order of its parameters, made when it is first run.

    Values that the statement was built with are kept.
    """

    __slots__ = ("_kind", "_made", "_run", "_statement")

    def __init__(self, statement: Executable, kind: type[Dialect]) -> None:
        self._statement, self._kind = statement, kind
        self._run = dialects.run_prepared(kind.name)
        self._made: tuple[str, Any, dict[str, Any]] | None = None

    def run(self, cursor: Any, values: Mapping[str, Any]) -> int:
        """See `Statement`."""
        sql, arguments, constants = self._made or self._make()
        if constants:
            values = {**constants, **values}
        return self._run(cursor, sql, arguments(values))

    def _make(self) -> tuple[str, Any, dict[str, Any]]:
        compiled: Any = self._statement.compile(dialect=dialects.numbered(self._kind))  # type: ignore[attr-defined]
        arguments = itemgetter(*compiled.positiontup)  # of a statement with one parameter it would be no tuple
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        self._made = made = (str(compiled), arguments, constants)
        return made


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
