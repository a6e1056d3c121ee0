"""`ClosablePool`: the connections that a store keeps for its next question, until it is closed."""

from sqlalchemy import QueuePool
from sqlalchemy.pool import ConnectionPoolEntry


class ClosablePool(QueuePool):
    """Closes also what comes back after it was disposed, which SQLAlchemy's own leaves to the garbage collector.

    A thread, such as the heartbeat, may still be at work while its runner is closed.
    """

    _sqla_logger_namespace = "sqlalchemy.pool.ClosablePool"  # what it says is no news of a run
    _keeps = True

    def dispose(self) -> None:
        """Close what is idle now, and from now on whatever comes back."""
        self._keeps = False  # first: whoever gives back after we looked at what is idle must see it
        self.dispose_idle()

    def dispose_idle(self) -> None:
        """Close what is idle now, and no more."""
        super().dispose()

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        super()._do_return_conn(record)
        if not self._keeps:
            self.dispose_idle()
