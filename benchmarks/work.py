"""`Work`: what every contender does in the same way, and how long each step of it took."""

import os
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from time import perf_counter, process_time
from typing import Any

Output = dict[str, Any]
Read = Callable[[int], Output]
WRAPPING = 24  # bytes of an output that are not its text


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A run of so many steps with outputs of so many bytes, but for one that is `large_at`; the first step is 0.

    With `reads`, the last step reads all outputs before it.
    """

    run: str
    steps: int
    output_bytes: int = 100
    large_at: int | None = None
    large_bytes: int = 0
    reads: bool = False

    def output(self, step: int) -> Output:
        """Give the output of a step: always the same, and nothing that compresses well."""
        size = self.large_bytes if step == self.large_at else self.output_bytes
        return {"step": step, "text": _text(step % 64, size - WRAPPING)}


@dataclass(slots=True, kw_only=True)
class Times:
    """When the steps of a run began and ended, in seconds; what the process computed, and how large it grew."""

    began: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    computed: float = 0.0
    reading: float = 0.0
    grown: int = 0


class Work:
    """An order as it is carried out: a contender calls `perform` in each step and keeps what that gives.

    What it gives is to be durable before the next step is performed. Before every `block` steps `pause` is called,
    which lets others have their turn.
    """

    def __init__(self, order: Order, *, block: int = sys.maxsize, pause: Callable[[], None] = lambda: None) -> None:
        self.run = order.run
        self.steps = order.steps
        self.times = Times()
        self._order = order
        self._block = block
        self._pause = pause

    def output(self, step: int) -> Output:
        """Give the output that a step has."""
        return self._order.output(step)

    def perform(self, step: int, read: Read) -> Output:
        """Do the work of a step; `read(i)` gives what the contender kept of an earlier one."""
        self._end_step(step)
        if step == 0:
            self.times.computed, self.times.grown = -process_time(), -resident_bytes()
        if step == self.steps - 1 and self._order.reads:
            self._read_all(read)
        output = self._order.output(step)
        if step % self._block == 0:
            self._pause()
        self.times.began.append(perf_counter())
        return output

    def end(self) -> None:
        """Note that the run has ended."""
        self._end_step(self.steps)
        self.times.computed += process_time()
        self.times.grown += resident_bytes()

    def _end_step(self, step: int) -> None:
        if step != len(self.times.began):
            raise RuntimeError(f"step {step} was performed in the place of step {len(self.times.began)}")
        if step > 0:
            self.times.ended.append(perf_counter())

    def _read_all(self, read: Read) -> None:
        start = perf_counter()
        outputs = [read(earlier) for earlier in range(self.steps - 1)]
        self.times.reading = perf_counter() - start
        for earlier, output in enumerate(outputs):
            if output != self._order.output(earlier):
                raise RuntimeError(f"the last step cannot read the output of step {earlier}")


@lru_cache(maxsize=128)
def _text(seed: int, length: int) -> str:
    return random.Random(seed).randbytes(length // 2).hex()


def resident_bytes() -> int:
    """Tell how much memory this process has, where the system says so."""
    try:
        with open("/proc/self/statm") as statm:  # noqa: PTH123  # as cheap as can be
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
