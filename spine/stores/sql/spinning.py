"""`Spin`: looks again and again for a moment whether an answer is there, before its thread sleeps until it is.

A processor that slept takes its time to wake up, and has forgotten what it knew of the interpreter: together a fifth of
a step, where its checkpoint is answered for within half a millisecond.
"""

import os
from collections.abc import Callable

from spine import clock

LONGEST_SECONDS = 0.000_5
MOST_LOOKS = 1_000  # whatever the clock says
MOST_SLEEPS = 4_096
_SAVED_SECONDS = 0.000_025  # by not sleeping, an answer
_give_way: Callable[[], None] | None = getattr(os, "sched_yield", None)  # not every system has it


class Spin:
    """Spins for the answers on one connection, and learns whether that is worth it.

    A spin that takes too long is paid for before the next one: as many answers are slept for as would have saved what
    it took. So a slow database costs next to nothing, and a machine with more to do than processors, where whoever
    gives way waits for the next turn, is left to the others.
    """

    __slots__ = ("_sleeps",)

    def __init__(self) -> None:
        self._sleeps = 0

    def until(self, is_there: Callable[[], bool]) -> None:
        """Return when it is there, or when sleeping is better; raises what `is_there` does."""
        if self._sleeps:
            self._sleeps -= 1
        elif _give_way is not None:
            took = _look(is_there, _give_way)
            if took > LONGEST_SECONDS:
                self._sleeps = min(int(took / _SAVED_SECONDS), MOST_SLEEPS)


def _look(is_there: Callable[[], bool], give_way: Callable[[], None]) -> float:
    """Look for so long at most, let others run after each look, and tell how many seconds it took."""
    start, took = clock.stopwatch(), 0.0
    for _ in range(MOST_LOOKS):
        if is_there():
            return clock.stopwatch() - start
        give_way()
        took = clock.stopwatch() - start
        if took > LONGEST_SECONDS:
            break
    return took
