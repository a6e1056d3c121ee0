"""`BoundedConnection`: psycopg's connection, which does not wait forever for an answer."""

from collections.abc import Generator
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from spine.stores.sql import timeouts


class BoundedConnection(psycopg.Connection[Any]):
    """Gives up an answer after so many seconds, and with it itself.

    The server ends a statement that takes too long, and the kernel a connection whose packets nobody takes. Neither
    helps when a proxy, a pooler or a stopped server takes the question and never answers.
    """

    answer_seconds = timeouts.ANSWER_SECONDS

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
