"""`BoundedConnection`: psycopg's connection, which does not wait forever for an answer."""

from collections.abc import Generator, Sequence
from typing import Any

import psycopg
from psycopg import errors, generators
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

from spine.stores.sql import timeouts

_DONE = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)


class BoundedConnection(psycopg.Connection[Any]):
    """Gives up an answer after so many seconds, and with it itself.

    The server ends a statement that takes too long, and the kernel a connection whose packets nobody takes. Neither
    helps when a proxy, a pooler or a stopped server takes the question and never answers.
    """

    answer_seconds = timeouts.ANSWER_SECONDS

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._statement_names: dict[str, bytes] = {}

    def wait(
        self, gen: Generator[Any, Any, Any], interval: float = timeouts.LOOK_SECONDS, timeout: float | None = None
    ) -> Any:
        """Wait as psycopg does, for so long at most."""
        try:
            return super().wait(gen, interval, self.answer_seconds if timeout is None else timeout)
        except psycopg.OperationalError as error:
            if timeout is not None or self.pgconn.transaction_status != TransactionStatus.ACTIVE:
                raise
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer within {self.answer_seconds:g} s (answer_timeout)") from error

    def run(self, statement: str, arguments: Sequence[bytes | None]) -> int:
        """Run a statement with `$1` for its arguments, which are text, and tell how many rows it touched or found.

        It is prepared the first time, as psycopg's cursor would; but that looks at types, plans and rows each time,
        which takes longer than a step may.
        """
        if self.prepare_threshold is None:  # behind a pooler nothing may be prepared
            self.pgconn.send_query_params(statement.encode(), arguments)
        else:
            self.pgconn.send_query_prepared(self._statement_names.get(statement) or self._name(statement), arguments)
        return self._answer().command_tuples or 0

    def _name(self, statement: str) -> bytes:
        name = b"spine_%d" % len(self._statement_names)
        self.pgconn.send_prepare(name, statement.encode())
        self._answer()
        self._statement_names[statement] = name
        return name

    def _answer(self) -> PGresult:
        (result,) = self.wait(generators.execute(self.pgconn))
        if result.status not in _DONE:
            raise errors.error_from_result(result)
        return result  # type: ignore[no-any-return]
