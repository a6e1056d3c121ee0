"""`Heartbeat`: one thread that renews all leases of a runner, also while a step blocks."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from spine import clock
from spine.errors import LeaseLost, StoreError
from spine.records.lease import Lease
from spine.stores.protocol import Store

_log = logging.getLogger("spine")
BEATS_PER_LEASE = 3


class Heartbeat:
    """Renews the leases of a runner, in one statement, three times within each lease.

    A beat that fails is logged and tried again at the next: only a changed fence ends a drive. The driver's next
    write finds that out, or its next step, before it starts.
    """

    def __init__(self, store: Store, *, lease_seconds: float) -> None:
        self._store = store
        self._lease_seconds = lease_seconds
        self._leases: dict[str, Lease] = {}
        self._renewed_at: dict[str, float] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextmanager
    def beating(self, lease: Lease, *, since: float) -> Iterator[Callable[[], None]]:
        """Keep a lease alive inside, one that was asked for at this uptime.

        What is given raises `LeaseLost` if somebody took the run over while this process slept; it asks the database
        only if the lease may have run out.
        """
        with self._changed:
            self._leases[lease.run_id] = lease
            self._renewed_at[lease.run_id] = since
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="spine-heartbeat", daemon=True)
                self._thread.start()
        try:
            yield partial(self._require, lease)
        finally:
            with self._changed:
                self._leases.pop(lease.run_id, None)
                self._renewed_at.pop(lease.run_id, None)
                self._changed.notify_all()

    def _require(self, lease: Lease) -> None:
        if clock.uptime() - self._renewed_at[lease.run_id] < self._lease_seconds:
            return
        held = self._renew([lease])
        if held is not None and lease.run_id not in held:
            raise LeaseLost(
                f"run {lease.run_id!r} is no longer driven by {lease.holder} (fence {lease.fence}): "
                "it was taken over or cancelled; nothing more was started"
            )

    def _beat(self) -> None:
        while (leases := self._wait()) is not None:
            self._renew(leases)

    def _renew(self, leases: list[Lease]) -> set[str] | None:
        """Renew these and tell which are still held; None if the database did not say."""
        asked_at = clock.uptime()
        try:
            held = self._store.renew_leases(leases, lease_seconds=self._lease_seconds)
        except StoreError as error:
            _log.warning("heartbeat.failed error=%r", str(error))
            return None
        with self._changed:
            self._renewed_at.update(dict.fromkeys(held & self._renewed_at.keys(), asked_at))
        return held

    def _wait(self) -> list[Lease] | None:
        """Wait for the next beat; None when no lease is left, and the thread ends."""
        with self._changed:
            self._changed.wait_for(lambda: not self._leases, timeout=self._lease_seconds / BEATS_PER_LEASE)
            if not self._leases:
                self._thread = None
                return None
            return list(self._leases.values())
