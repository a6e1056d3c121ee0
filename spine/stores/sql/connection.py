"""`BoundedConnection`: psycopg's connection, which does not wait forever for an answer."""

import time
from collections.abc import Generator
from typing import Any

import psycopg

from spine.stores.sql import timeouts


class BoundedConnection(psycopg.Connection[Any]):
    """Gives up an answer after so many seconds, and with it itself.

    The server ends a statement that takes too long, and the kernel a connection whose packets nobody takes. Neither
    helps when a proxy, a pooler or a stopped server takes the question and never answers.
    """

    answer_seconds = timeouts.ANSWER_SECONDS

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **options: Any) -> Any:
        """Wait as psycopg does, which comes back ten times a second."""
        return super().wait(self._bounded(gen), *args, **options)

    def _bounded(self, answer: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        deadline = time.monotonic() + self.answer_seconds
        try:
            wanted = next(answer)
            while True:
                wanted = answer.send((yield wanted))
                if time.monotonic() > deadline:  # only now: what has come meanwhile, even while we slept, counts
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"no answer within {self.answer_seconds:g} s (answer_timeout)")
        except StopIteration as end:
            return end.value
