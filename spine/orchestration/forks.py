"""What becomes of a process that a step forked."""

import os
import sys
import traceback
from types import TracebackType
from typing import NoReturn


class Forks:
    """Ends a process that was forked inside and came out: the run, its lease and its connection are its parent's.

    It ends as it would have, with the code of `sys.exit`, with a traceback and 1, or with 0, and touches nothing that
    it shares with its parent.
    """

    __slots__ = ("_parent",)

    def __init__(self) -> None:
        self._parent = os.getpid()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _tb: TracebackType | None
    ) -> None:
        if os.getpid() != self._parent:
            _end(error)


def _end(error: BaseException | None) -> NoReturn:
    """End this process, also if it cannot say or write any more what it should."""
    code = 0
    try:
        if isinstance(error, SystemExit):
            code = error.code if isinstance(error.code, int) else int(error.code is not None)
        elif error is not None:
            code = 1
            traceback.print_exception(error)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code & 0xFF)
