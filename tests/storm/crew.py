"""`Crew`: the processes of one storm, forked from one that has imported everything already."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Sequence
from multiprocessing.connection import wait
from typing import Any

from tests.storm import diary
from tests.storm.diary import Entry
from tests.storm.order import Order
from tests.storm.worker import LIMIT_SECONDS, work

NURSERY = multiprocessing.get_context("forkserver")
NURSERY.set_forkserver_preload(["tests.storm.nursery"])
POLL_SECONDS = 0.001
# Two threads that ask after one child at once would each take half of the answer.
_ASKING = threading.Lock()


class Worker:
    """One process that carries out an order."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self._process: Any = NURSERY.Process(target=work, args=(order,), daemon=True)
        with _ASKING:
            self._process.start()

    @property
    def name(self) -> str:
        return self.order.worker

    @property
    def is_over(self) -> bool:
        return self.exit_code is not None

    @property
    def exit_code(self) -> int | None:
        with _ASKING:
            code: int | None = self._process.exitcode
            return code

    def send(self, signum: int) -> bool:
        """Send a signal unless it is too late for one."""
        if self.is_over:
            return False
        try:
            os.kill(self._process.pid, signum)
        except ProcessLookupError:
            return False
        return True

    def notes(self, what: str) -> list[Entry]:
        """Read the lines of this kind in its journal."""
        return [entry for entry in diary.entries(self.order.journal) if entry.what == what]

    def is_ready(self) -> bool:
        return self.is_over or bool(self.notes("ready"))

    def has_begun(self) -> bool:
        """Whether it has stopped waiting for others and really tries."""
        return self.is_over or bool(self.notes("begun"))

    def is_struck(self) -> bool:
        """Whether its doom came, or nothing will come any more."""
        return self.is_over or bool(self.notes("struck") or self.notes("over"))

    def was_struck_in(self, functions: Collection[str]) -> bool:
        return any(entry.text in functions for entry in self.notes("struck"))

    def end(self) -> None:
        """End it now, if it is not over."""
        self.send(signal.SIGKILL)
        wait([self._process.sentinel], timeout=15)

    def wait(self) -> None:
        """Wait until it is over; what does not end by itself is ended, and its exit code says so."""
        if not wait([self._process.sentinel], timeout=LIMIT_SECONDS + 15):
            self.end()


def until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Wait for a condition and tell whether it came."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def wait_for_all(workers: Sequence[Worker]) -> None:
    for worker in workers:
        worker.wait()
