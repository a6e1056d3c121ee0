"""A process that has imported what programs of tests import, and that each of them is forked from.

    python -m tests.programs.nursery DESCRIPTOR

Starting Python and importing costs many times what most of them do. On the socket with this number it takes orders, a
line of JSON with descriptors; the program that is ordered ends as Python itself ends one: it is what is left of this
module in the child. A second fork waits for it and tells its process id and how it ended.
"""

import atexit
import contextlib
import gc
import json
import os
import runpy
import signal
import socket
import sys
from functools import partial
from typing import Any

import alembic.command
import alembic.config  # noqa: F401
import psycopg  # noqa: F401
import sqlalchemy.dialects.postgresql.psycopg
import sqlalchemy.dialects.sqlite  # noqa: F401

import spine.cli.main
import spine.config.sources
import spine.stores.sql.store

STREAMS = 3


def main(orders: socket.socket) -> None:
    spine.cli.main.root_command()
    gc.freeze()  # a program that ends looks for garbage, and need not look here
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait
    while taken := take(orders):
        order, streams = taken
        report = streams.pop()
        if os.fork() == 0:
            orders.close()
            if is_child(report, streams):
                become(order, streams)
                perform(order["program"])
            return
        for descriptor in (report, *streams):
            os.close(descriptor)


def take(orders: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Wait for the next order; None when whoever gave them has gone."""
    line, descriptors, _, _ = socket.recv_fds(orders, 65536, STREAMS + 1)
    while line and not line.endswith(b"\n"):
        line += orders.recv(65536)
    return (json.loads(line), descriptors) if line else None


def is_child(report: int, streams: list[int]) -> bool:
    """Give true in a child; wait for it, tell how it ended, and end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        os.close(report)
        return True
    for descriptor in streams:
        os.close(descriptor)
    os.write(report, f"{child}\n".encode())
    _, status = os.waitpid(child, 0)
    os.write(report, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def become(order: dict[str, Any], streams: list[int]) -> None:
    """Take on the streams, the folder, the environment and the arguments of the program."""
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv[1:] = order["arguments"]
    sys.path[0] = order["folder"]


def perform(program: str) -> None:
    """Run it, and end where Python would begin to free all that was imported: as long again as most programs take."""
    codes = list[int]()

    @atexit.register  # the first, so the last that is called
    def leave() -> None:
        with contextlib.suppress(OSError, ValueError):  # Python tells what it cannot write, and ends with a code for it
            for stream in filter(None, (sys.stdout, sys.stderr)):
                stream.flush()
            for code in codes:
                os._exit(code)

    runs = runpy.run_path if program.endswith(".py") else partial(runpy.run_module, alter_sys=True)
    try:
        runs(program, run_name="__main__")
    except SystemExit as ended:
        if isinstance(ended.code, int | None):
            codes.append(ended.code or 0)
        raise
    codes.append(0)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
