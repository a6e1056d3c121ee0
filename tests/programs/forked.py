"""`Forked`: a program in a process of its own, forked from the nursery of this process.

Not for what Python does when it starts, such as finding modules and opening the standard streams.
"""

import atexit
import contextlib
import json
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
STDERR = 2
LIMIT = 60  # seconds
ONE_AT_A_TIME = threading.Lock()


class Forked:
    """Runs a module as `python -m` does, or a file, and is waited for like a `subprocess.Popen`."""

    def __init__(
        self,
        program: str,
        *arguments: str,
        streams: tuple[int, int, int],
        folder: Path | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        order = {
            "program": program,
            "arguments": arguments,
            "folder": str(folder or Path.cwd()),
            "environment": dict(os.environ) if environment is None else environment,
        }
        reads, writes = os.pipe()
        self._report = os.fdopen(reads, "rb", buffering=0)
        self.returncode: int | None = None
        with ONE_AT_A_TIME:
            socket.send_fds(_nursery(), [json.dumps(order).encode() + b"\n"], [*streams, writes])
            os.close(writes)
            self.pid = self._told(LIMIT)

    def send_signal(self, signum: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended, and we are about to hear of it
                os.kill(self.pid, signum)

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._report], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self, timeout: float = LIMIT) -> int:
        if self.returncode is None:
            self.returncode = self._told(timeout)
            self._report.close()
        return self.returncode

    def _told(self, timeout: float) -> int:
        assert select.select([self._report], [], [], timeout)[0], "it says nothing"
        line = b""
        while not line.endswith(b"\n"):
            part = self._report.read(1)
            assert part, "whoever waits for it is gone"
            line += part
        return int(line)


class Spoken(Forked):
    """One with pipes to its stdin and from its stdout; it is killed when it is left."""

    def __init__(self, program: str, *arguments: str, folder: Path = ROOT) -> None:
        (its_stdin, stdin), (stdout, its_stdout) = os.pipe(), os.pipe()
        self.stdin, self.stdout = os.fdopen(stdin, "w"), os.fdopen(stdout)
        super().__init__(program, *arguments, streams=(its_stdin, its_stdout, STDERR), folder=folder)
        os.close(its_stdin)
        os.close(its_stdout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.send_signal(signal.SIGKILL)
        self.wait()
        for pipe in (self.stdin, self.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def run_forked(
    program: str, *arguments: str, folder: Path | None = None, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it to its end, with nothing to read, and give what it said."""
    with (
        tempfile.TemporaryFile() as stdin,
        tempfile.TemporaryFile("w+", encoding="utf-8") as stdout,
        tempfile.TemporaryFile("w+", encoding="utf-8") as stderr,
    ):
        streams = (stdin.fileno(), stdout.fileno(), stderr.fileno())
        code = Forked(program, *arguments, streams=streams, folder=folder, environment=environment).wait()
        for stream in (stdout, stderr):
            stream.seek(0)
        return subprocess.CompletedProcess((program, *arguments), code, stdout.read(), stderr.read())


def put_command(name: str, module: str, folder: Path) -> int:
    """Put a command into a folder that runs a module so, and give the descriptor that a shell must inherit for it."""
    nursery = _nursery().fileno()
    words = shlex.join([sys.executable, "-IS", str(ROOT / "tests/programs/shim.py"), str(nursery), module])
    command = folder / name
    command.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    command.chmod(0o700)
    return nursery


@cache
def _nursery() -> socket.socket:
    """Start it once; it ends with this process."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.programs.nursery", str(theirs.fileno())],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )

    def end() -> None:
        ours.close()
        process.wait(LIMIT)

    atexit.register(end)
    return ours
