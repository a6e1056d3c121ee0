"""`Work`: what every contender does in the same way, and when each step of it began."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from time import perf_counter, process_time
from typing import Any

Output = dict[str, Any]
Read = Callable[[int], Output]
_HEX = "0123456789abcdef"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A run of so many steps, each with an output of so many bytes; with `reads`, the last one reads all before it.

    `marks` are the times at which its steps began, and `computed` what the process had computed at the first.
    A contender calls `perform` once in each step and keeps what that gives, durably, before it performs the next.
    """

    run: str
    steps: int
    output_bytes: int = 100
    reads: bool = False
    marks: list[float] = field(default_factory=list)
    computed: list[float] = field(default_factory=list)

    def perform(self, step: int, read: Read) -> Output:
        """Do the work of a step, the first is 0; `read(i)` gives what the contender kept of an earlier one."""
        if step == 0:
            self.computed.append(process_time())
        self.marks.append(perf_counter())
        if step != len(self.marks) - 1:
            raise RuntimeError(f"step {step} was performed in the place of step {len(self.marks) - 1}")
        if self.reads and step == self.steps - 1:
            for earlier in range(step):
                if read(earlier) != self.output(earlier):
                    raise RuntimeError(f"the output of step {earlier} cannot be read by step {step}")
        return self.output(step)

    def output(self, step: int) -> Output:
        """Give the output of a step: the same for the same step, and nothing that compresses well."""
        return {"step": step, "text": _text(step % 64, max(1, self.output_bytes - 24))}


@lru_cache(maxsize=256)
def _text(seed: int, length: int) -> str:
    return "".join(random.Random(seed).choices(_HEX, k=length))
