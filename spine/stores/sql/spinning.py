"""`Spin`: looks again and again for a moment whether an answer is there, before its thread sleeps until it is.

A processor that slept takes its time to wake up, and has forgotten what it knew of the interpreter: together a fifth of
a step, where its checkpoint is answered for within a millisecond.
"""

import os
import time
from collections.abc import Callable

from spine import clock

LONGEST_SECONDS = 0.001
MOST_LOOKS = 1_000  # whatever the clock says
MOST_SLEEPS = 4_096
_LOST_SECONDS = 0.000_05  # waiting for a processor that others had: they need it more
_SAVED_SECONDS = 0.000_025  # by not sleeping, an answer
_give_way: Callable[[], None] | None = getattr(os, "sched_yield", None)  # not every system has it


class Spin:
    """Spins for the answers on one connection, and learns whether that is worth it.

    A spin in vain, or one in which others took the processor, is paid for before the next one: as many answers are
    slept for as would have saved what it took. So a slow database costs next to nothing, and a machine that has more to
    do than processors is left to the others.
    """

    __slots__ = ("_sleeps",)

    def __init__(self) -> None:
        self._sleeps = 0

    def until(self, is_there: Callable[[], bool]) -> None:
        """Return when it is there, or when sleeping is better; raises what `is_there` does."""
        if self._sleeps:
            self._sleeps -= 1
        elif _give_way is not None:
            start, computed = clock.stopwatch(), time.thread_time()
            found = _looked(is_there, _give_way, start + LONGEST_SECONDS)
            took = clock.stopwatch() - start
            if not found or took - (time.thread_time() - computed) > _LOST_SECONDS:
                self._sleeps = min(int(took / _SAVED_SECONDS), MOST_SLEEPS)


def _looked(is_there: Callable[[], bool], give_way: Callable[[], None], end: float) -> bool:
    """Tell whether it was there in time; each look lets other threads of this process run too."""
    for _ in range(MOST_LOOKS):
        if is_there():
            return True
        give_way()
        if clock.stopwatch() > end:
            break
    return False
