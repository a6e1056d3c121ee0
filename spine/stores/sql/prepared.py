"""`Prepared`: a statement built with Core and compiled once, then run on the driver itself; or several in one go."""

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, Protocol

from sqlalchemy import Dialect
from sqlalchemy.sql import Executable

from spine.stores.sql import dialect as dialects

Run = Callable[[Any, Mapping[str, Any]], int]
Arguments = Callable[[Mapping[str, Any]], tuple[Any, ...]]


class Statement(Protocol):
    """What a session runs."""

    @property
    def run(self) -> Run:
        """Executes, on a driver's cursor, with these values; tells how many rows it touched or, a question, found."""


class Prepared:
    """A statement that is compiled when it is first run, and from then on only sent.

    Values that the statement was built with are kept.
    """

    __slots__ = ("_kind", "_statement", "run")

    def __init__(self, statement: Executable, kind: type[Dialect]) -> None:
        self._statement, self._kind = statement, kind
        self.run: Run = self._compile_and_run

    def _compile_and_run(self, cursor: Any, values: Mapping[str, Any]) -> int:
        compiled: Any = self._statement.compile(dialect=dialects.numbered(self._kind))  # type: ignore[attr-defined]
        arguments: Arguments = itemgetter(
            *compiled.positiontup
        )  # of a statement with one parameter it would be no tuple
        if constants := {name: value for name, value in compiled.params.items() if value is not None}:
            arguments = _with_constants(arguments, constants)
        self.run = run = dialects.run_prepared(self._kind.name, str(compiled), arguments)
        return run(cursor, values)


def _with_constants(arguments: Arguments, constants: Mapping[str, Any]) -> Arguments:
    return lambda values: arguments({**constants, **values})


class InTransaction:
    """Statements of SQLite in one transaction; only if the first touches a row, the others follow."""

    __slots__ = ("_first", "_others")

    def __init__(self, first: Statement, *others: Statement) -> None:
        self._first, self._others = first, others

    def run(self, cursor: Any, values: Mapping[str, Any]) -> int:
        """See `Statement`; it is the first that tells."""
        cursor.connection.preallocate_log()
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
