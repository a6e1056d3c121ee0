"""`Heartbeat`: one thread that renews all leases of a runner, also while a step blocks."""

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from weakref import WeakSet

from spine import clock, log
from spine.records.lease import Lease
from spine.stores.protocol import Store

BEATS_PER_LEASE = 3
ASKS = 2  # the second if this process slept during the first, and the answer is old


@dataclass(eq=False, slots=True)
class Pulse:
    """When a lease was last known to be held, as an uptime, and for how many seconds it then is."""

    known_at: float
    lease_seconds: float

    def require(self, ask: Callable[[], None]) -> None:
        """Ask whether the lease is still there if it may have run out, as while this process slept."""
        known_at = self.known_at
        for _ in range(ASKS):
            if clock.uptime() - known_at < self.lease_seconds:
                return
            known_at = clock.uptime()
            ask()


class Heartbeat:
    """Renews the leases of a runner, in one statement, three times within each lease.

    A beat that fails is logged and tried again at the next: only a changed fence ends a drive. The driver's next
    write finds that out, or its next step, before it starts.
    """

    def __init__(self, store: Store, *, lease_seconds: float) -> None:
        self._store = store
        self._lease_seconds = lease_seconds
        self._drives: set[object] = set()
        self._pulses: dict[Lease, Pulse] = {}  # by lease, not by run: a run may have an old driver here too
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        _heartbeats.add(self)

    @contextmanager
    def started(self) -> Iterator[None]:
        """Have the thread inside; where the system gives none, RuntimeError tells before a lease is taken."""
        with self._changed:
            if self._thread is None or not self._thread.is_alive():
                thread = threading.Thread(target=self._beat, name="spine-heartbeat", daemon=True)
                thread.start()  # which may fail; it waits for this block to end
                self._thread = thread
            self._drives.add(drive := object())
        try:
            yield
        finally:
            with self._changed:
                self._drives.discard(drive)
                self._changed.notify_all()

    @contextmanager
    def beating(self, lease: Lease, *, since: float) -> Iterator[Pulse]:
        """Keep a lease alive inside, one that was asked for at this uptime."""
        with self.started():
            with self._changed:
                pulse = self._pulses[lease] = Pulse(since, self._lease_seconds)
            try:
                yield pulse
            finally:
                with self._changed:
                    self._pulses.pop(lease, None)

    def begin_anew(self) -> None:
        """Leave the leases, and the thread that renews them, to the parent of this process."""
        self._drives, self._pulses, self._changed, self._thread = set(), {}, threading.Condition(), None

    def _beat(self) -> None:
        while (leases := self._wait()) is not None:
            if leases:
                self._renew(leases)

    def _renew(self, leases: list[Lease]) -> None:
        """Renew the newest lease of each run; an old one's driver finds out when it writes."""
        newest = {lease.run_id: lease for lease in sorted(leases, key=lambda lease: lease.fence)}
        asked_at = clock.uptime()
        try:
            held = self._store.renew_leases(list(newest.values()), lease_seconds=self._lease_seconds)
        except Exception as error:  # noqa: BLE001  # whatever it was, the leases need the next beat
            log.tell(logging.WARNING, "heartbeat.failed error=%r", str(error))
            return
        with self._changed:
            for lease in {newest[run_id] for run_id in held} & self._pulses.keys():
                self._pulses[lease].known_at = asked_at

    def _wait(self) -> list[Lease] | None:
        """Wait for the next beat; None when no drive is left, and the thread ends."""
        with self._changed:
            self._changed.wait_for(lambda: not self._drives, timeout=self._lease_seconds / BEATS_PER_LEASE)
            if not self._drives:
                self._thread = None
                return None
            return list(self._pulses)


_heartbeats: WeakSet[Heartbeat] = WeakSet()


def _begin_anew() -> None:
    """Let every heartbeat begin anew before a second thread can need it."""
    for heartbeat in list(_heartbeats):
        heartbeat.begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
