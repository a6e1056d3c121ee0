"""`Interrupts`: SIGINT and SIGTERM stop a step at once, and never one of Spine's own writes."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, ClassVar

TERMINATED = 128 + signal.SIGTERM


class Interrupted(BaseException):
    """A signal arrived while a step ran; no `except Exception` of a step catches it."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(signum).name}")
        self.signum = signum


class Interrupts:
    """Notes a signal, and raises it inside the user's code only: inside its own `with`."""

    _in_charge: ClassVar["Interrupts | None"] = None  # whose handlers are installed, whatever a step made of them

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._in_step = False
        self._pending: int | None = None
        self._previous: dict[int, Any] = {}

    @classmethod
    def of_this_thread(cls) -> "Interrupts":
        """Give those of the drive whose step asks, else new ones."""
        owner = cls._in_charge
        in_main_thread = threading.current_thread() is threading.main_thread()
        return owner if owner is not None and owner.is_of_this_process and in_main_thread else cls()

    @property
    def is_of_this_process(self) -> bool:
        """Whether this was made here, and not in the process that forked this one."""
        return self._pid == os.getpid()

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Handle both signals for one drive, in the main thread and where nobody else does; then let it go on."""
        if self._previous:
            with self._out_of_step():
                self.take_back()
                yield
            return
        try:
            self._install()
            yield
        finally:
            self._restore()
            self._go_on()

    def __enter__(self) -> None:
        """Let a signal interrupt what comes now; one that came before does so at once."""
        self._in_step = True
        if self._pending is not None:
            self._in_step = False
            raise Interrupted(self._pending)

    def __exit__(self, *_error: object) -> None:
        """Let no signal interrupt what comes now."""
        self._in_step = False

    @contextmanager
    def _out_of_step(self) -> Iterator[None]:
        """Keep signals from interrupting a drive inside a step; one that came meanwhile then ends the step too."""
        was_in_step, self._in_step = self._in_step, False
        try:
            yield
        finally:
            self._in_step = was_in_step
            if was_in_step and self._pending is not None:
                raise Interrupted(self._pending)  # also if the drive was refused, which the step may take calmly

    def take_back(self) -> None:
        """Handle again what a step gave back to Python, as a loop of asyncio does with the signals that it handled."""
        for signum in self._previous:
            if signal.getsignal(signum) in (signal.SIG_DFL, signal.default_int_handler):
                signal.signal(signum, self._on_signal)

    def note(self, signum: int) -> None:
        """Remember a signal that reached the step, perhaps in another way, so that it goes on after the drive."""
        self._in_step = False
        self._pending = signum

    def _install(self) -> None:
        """Take SIGINT first, to give it back last: while it is not taken it may raise anywhere, between the two too."""
        in_main_thread = threading.current_thread() is threading.main_thread()
        if not in_main_thread or not _is_free(signal.SIGTERM, signal.SIG_DFL):
            return
        Interrupts._in_charge = self
        is_alone = not _is_free(signal.SIGINT, signal.default_int_handler)
        for signum in (signal.SIGTERM,) if is_alone else (signal.SIGINT, signal.SIGTERM):
            self._previous[signum] = signal.getsignal(signum)
            signal.signal(signum, self._on_signal)

    def _restore(self) -> None:
        if Interrupts._in_charge is self:
            Interrupts._in_charge = None
        for signum, handler in reversed(self._previous.items()):
            signal.signal(signum, handler)
        self._previous.clear()

    def _on_signal(self, signum: int, _frame: FrameType | None) -> None:
        if not self.is_of_this_process or self._pending is not None:
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


def _is_free(signum: int, default: Any) -> bool:
    """Tell whether nobody handles a signal here; a handler of the process that forked this one is nobody's."""
    handler = signal.getsignal(signum)
    owner = getattr(handler, "__self__", None)
    return handler is default or (isinstance(owner, Interrupts) and not owner.is_of_this_process)
