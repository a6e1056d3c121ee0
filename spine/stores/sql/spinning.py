"""`Spin`: looks again and again for a moment whether an answer is there, before its thread sleeps until it is.

A processor that slept takes its time to wake up, and has forgotten what it knew of the interpreter: together a fifth of
a step, where its checkpoint is answered for within half a millisecond.
"""

import os
from collections.abc import Callable

from spine import clock

_LONGEST_SECONDS = 0.000_5
MOST_LOOKS = 1_000  # whatever the clock says
_SAVED_SECONDS = 0.000_025  # by an answer that was not slept for, at least
_MOST_SAVED_SECONDS = 2 * _LONGEST_SECONDS
_MOST_OWED_SECONDS = 0.1
_give_way: Callable[[], None] | None = getattr(os, "sched_yield", None)  # not every system has it


class Spin:
    """Spins for the answers on one connection, and keeps account of whether that is worth it.

    An answer in time saves a little; a spin that takes too long costs what it took, and what is owed for it is slept
    off. So a slow database costs next to nothing, and a machine with more to do than processors, where whoever gives
    way waits for the next turn, is left to the others.
    """

    __slots__ = ("_saved_seconds",)

    def __init__(self) -> None:
        self._saved_seconds = 0.0

    def until(self, is_there: Callable[[], bool]) -> None:
        """Return when it is there, or when sleeping is better; raises what `is_there` does."""
        if _give_way is None:
            return
        saved = self._saved_seconds
        took = 0.0 if saved < 0 else _look(is_there, _give_way)
        if took >= _LONGEST_SECONDS:
            self._saved_seconds = max(saved - took, -_MOST_OWED_SECONDS)
        else:
            self._saved_seconds = min(saved + _SAVED_SECONDS, _MOST_SAVED_SECONDS)


def _look(is_there: Callable[[], bool], give_way: Callable[[], None]) -> float:
    """Look for so long at most, let others run after each look, and tell how many seconds it took."""
    start = clock.stopwatch()
    for _ in range(MOST_LOOKS):
        if is_there():
            return clock.stopwatch() - start
        give_way()
        if clock.stopwatch() - start >= _LONGEST_SECONDS:
            break
    return max(clock.stopwatch() - start, _LONGEST_SECONDS)
