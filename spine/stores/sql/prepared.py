"""`Prepared`: a statement built with Core and compiled once, then run on the driver's own cursor."""

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.sql import Executable

from spine.stores.sql import dialect as dialects


class Prepared:
    """The SQL of a statement and the order of its parameters; values the statement was built with are kept."""

    __slots__ = ("_arguments", "_constants", "_options", "sql")

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        self.sql = str(compiled)
        self._arguments = itemgetter(*compiled.positiontup)  # of a statement with one parameter it would be no tuple
        self._options = dialects.execution_options(dialect.name)
        self._constants: dict[str, Any] = {name: value for name, value in compiled.params.items() if value is not None}

    def run(self, cursor: Any, values: Mapping[str, Any]) -> int:
        """Execute with these values and tell how many rows it touched."""
        if self._constants:
            values = {**self._constants, **values}
        cursor.execute(self.sql, self._arguments(values), **self._options)
        return int(cursor.rowcount)
