"""What befalls a process: a signal at an exact call of Spine's code."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import spine
from tests.storm import diary
from tests.storm.order import Doom, Order

HOME = Path(spine.__file__).parent


@contextmanager
def doomed(order: Order) -> Iterator[None]:
    """Send this process the signal of its doom inside, if the block makes so many calls."""
    if order.doom is None:
        yield
        return
    sys.setprofile(_counting(order.doom, partial(_strike, order, order.doom.signum)))
    try:
        yield
    finally:
        sys.setprofile(None)


def _counting(doom: Doom, strike: Callable[[str], None]) -> Any:
    """Count calls made there, into C and back too: before and after every statement is one of them."""
    left, there = doom.calls, str(HOME / doom.part)

    def on_call(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal left
        if frame.f_code.co_filename.startswith(there):
            left -= 1
            if left == 0:
                strike(frame.f_code.co_qualname)

    return on_call


def _strike(order: Order, signum: int, where: str) -> None:
    diary.note(order.journal, "struck", text=where)
    os.kill(os.getpid(), signum)
