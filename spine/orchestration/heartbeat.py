"""`Heartbeat`: one thread that renews all leases of a runner, also while a step blocks."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from spine.errors import StoreError
from spine.records.lease import Lease
from spine.stores.protocol import Store

_log = logging.getLogger("spine")
BEATS_PER_LEASE = 3


class Heartbeat:
    """Renews the leases of a runner, in one statement, three times within each lease.

    A beat that fails is logged and tried again at the next: only a changed fence ends a drive, and the driver's next
    write finds that out.
    """

    def __init__(self, store: Store, *, lease_seconds: float) -> None:
        self._store = store
        self._lease_seconds = lease_seconds
        self._leases: dict[str, Lease] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextmanager
    def beating(self, lease: Lease) -> Iterator[None]:
        """Keep a lease alive inside."""
        with self._changed:
            self._leases[lease.run_id] = lease
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="spine-heartbeat", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._leases.pop(lease.run_id, None)
                self._changed.notify_all()

    def _beat(self) -> None:
        while (leases := self._wait()) is not None:
            try:
                self._store.renew_leases(leases, lease_seconds=self._lease_seconds)
            except StoreError as error:
                _log.warning("heartbeat.failed error=%r", str(error))

    def _wait(self) -> list[Lease] | None:
        """Wait for the next beat; None when no lease is left, and the thread ends."""
        with self._changed:
            self._changed.wait_for(lambda: not self._leases, timeout=self._lease_seconds / BEATS_PER_LEASE)
            if not self._leases:
                self._thread = None
                return None
            return list(self._leases.values())
