"""`BoundedConnection`: psycopg's connection, which does not wait forever for an answer."""

import hashlib
from collections.abc import Generator, Sequence
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import errors, generators
from psycopg.pq import ExecStatus, TransactionStatus

from spine import clock
from spine.stores.sql import timeouts
from spine.stores.sql.spinning import Spin

_DONE = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)


class BoundedConnection(psycopg.Connection[Any]):
    """Gives up an answer after so many seconds, and with it itself.

    The server ends a statement that takes too long, and the kernel a connection whose packets nobody takes. Neither
    helps when a proxy, a pooler or a stopped server takes the question and never answers.
    """

    answer_seconds = timeouts.ANSWER_SECONDS
    prepares = True  # not behind a pooler, which hands each statement to another session
    spins = True

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._statement_names: dict[str, bytes] = {}
        self._spin = Spin()

    def wait(
        self, gen: Generator[Any, Any, Any], interval: float = timeouts.LOOK_SECONDS, timeout: float | None = None
    ) -> Any:
        """Wait as psycopg does, for so long at most."""
        start = clock.stopwatch()
        try:
            return super().wait(gen, interval, self.answer_seconds if timeout is None else timeout)
        except BaseException as error:
            if timeout is not None or self.pgconn.transaction_status != TransactionStatus.ACTIVE:
                raise
            self.pgconn.finish()  # what is still to come would be taken for the answer to the next question
            if isinstance(error, psycopg.OperationalError) and clock.stopwatch() - start >= self.answer_seconds:
                told = f"no answer within {self.answer_seconds:g} s (answer_timeout)"
                raise psycopg.OperationalError(told) from error
            raise

    def run(self, statement: str, arguments: Sequence[bytes | None]) -> int:
        """Run a statement with `$1` for its arguments, which are text, and tell how many rows it touched or found.

        It is prepared the first time, as psycopg's cursor would; but that looks at types, plans and rows each time,
        which takes longer than a step may.
        """
        if not self.prepares:
            self.pgconn.send_query_params(statement.encode(), arguments)
            return self._answer()
        try:
            self.pgconn.send_query_prepared(self._statement_names.get(statement) or self._prepare(statement), arguments)
            return self._answer()
        except errors.InvalidSqlStatementName:  # somebody has let go of all that was prepared: nothing was run
            self._statement_names.clear()
            self.pgconn.send_query_prepared(self._prepare(statement), arguments)
            return self._answer()

    def _prepare(self, statement: str) -> bytes:
        """Prepare a statement under a name that no other has; whoever was interrupted here may have done it."""
        text = statement.encode()
        name = b"spine_" + hashlib.sha256(text).hexdigest()[:24].encode()
        self.pgconn.send_prepare(name, text)
        with suppress(errors.DuplicatePreparedStatement):
            self._answer()
        self._statement_names[statement] = name
        return name

    def _answer(self) -> int:
        results = self.wait(self._executed())
        for result in results:
            if result.status not in _DONE:
                raise errors.error_from_result(result)
        return results[-1].command_tuples or 0

    def _executed(self) -> Generator[Any, Any, Any]:
        """Do what psycopg does to have an answer, and spin before the first wait, which is within `wait` too."""
        if self.spins:
            self._spin.until(self._is_answered)
        return (yield from generators.execute(self.pgconn))

    def _is_answered(self) -> bool:
        self.pgconn.consume_input()  # which sends what is still to be sent
        return not self.pgconn.is_busy()
