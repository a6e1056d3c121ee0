"""`Prepared`: a statement built with Core and compiled once, then run on the driver itself."""

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.sql import Executable

from spine.stores.sql import dialect as dialects


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
        """Execute with these values and tell how many rows it touched or, asked a question, found."""
        if self._constants:
            values = {**self._constants, **values}
        return self._run(cursor, self._sql, self._arguments(values))
