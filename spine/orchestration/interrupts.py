"""`Interrupts`: SIGINT and SIGTERM stop a step at once, and never one of Spine's own writes."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

TERMINATED = 128 + signal.SIGTERM


class Interrupted(BaseException):
    """A signal arrived while a step ran; no `except Exception` of a step catches it."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(signum).name}")
        self.signum = signum


class Interrupts:
    """Notes a signal, and raises it inside the user's code only."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._in_step = False
        self._pending: int | None = None
        self._previous: dict[int, Any] = {}

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Handle both signals for one drive, in the main thread and where nobody else does; then let it go on."""
        self._install()
        try:
            yield
        finally:
            self._restore()
        self._go_on()

    @contextmanager
    def in_step(self) -> Iterator[None]:
        """Let a signal interrupt what runs inside; one that came before does so at once."""
        self._in_step = True
        try:
            if self._pending is not None:
                raise Interrupted(self._pending)
            yield
        finally:
            self._in_step = False

    def note(self, signum: int) -> None:
        """Remember a signal that reached the step in another way, so that it goes on after the drive."""
        self._pending = signum

    def _install(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
            return
        self._previous[signal.SIGTERM] = signal.signal(signal.SIGTERM, self._on_signal)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._previous[signal.SIGINT] = signal.signal(signal.SIGINT, self._on_signal)

    def _restore(self) -> None:
        for signum, handler in self._previous.items():
            signal.signal(signum, handler)
        self._previous.clear()

    def _on_signal(self, signum: int, _frame: FrameType | None) -> None:
        if os.getpid() != self._pid or self._pending is not None:
            signal.signal(signum, signal.SIG_DFL)  # a forked child, or the second signal
            os.kill(os.getpid(), signum)
            return
        self._pending = signum
        if self._in_step:
            raise Interrupted(signum)

    def _go_on(self) -> None:
        if self._pending == signal.SIGINT:
            raise KeyboardInterrupt
        if self._pending == signal.SIGTERM:
            raise SystemExit(TERMINATED)
