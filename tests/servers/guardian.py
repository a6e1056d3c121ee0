"""A program that runs one server in the background and ends it, files and all, when its test session is over.

It stands between pytest and the server because it must outlive pytest, even one that was killed with SIGKILL.
It is the parent of the server, so that a dead server is not left behind as a zombie. It is started as a
script, and imports the standard library alone.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any


def main(session: str, folder: str, uid: str, gid: str, *command: str) -> None:
    """Return in the caller's process at once; in the background, stay until the server has ended."""
    running = os.open(Path(folder) / "running", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(running, fcntl.LOCK_EX)
    if os.fork():
        return
    os.setsid()
    for number in (signal.SIGINT, signal.SIGQUIT):  # a shell ignores them in the background, and children inherit it
        signal.signal(number, signal.SIG_DFL)
    # The server holds the lock too: it is free again when the last backend of a killed server is gone.
    server = subprocess.Popen(command, cwd=folder, pass_fds=[running], **_account(int(uid), int(gid)))
    session_is_over = threading.Event()
    threading.Thread(target=_end_with, args=(Path(session), server, session_is_over), daemon=True).start()
    server.wait()
    if session_is_over.is_set():
        shutil.rmtree(session, ignore_errors=True)


def _account(uid: int, gid: int) -> dict[str, Any]:
    return {} if uid == os.geteuid() else {"user": uid, "group": gid, "extra_groups": []}


def _end_with(session: Path, server: subprocess.Popen[bytes], session_is_over: threading.Event) -> None:
    _wait_for_the_end_of(session)
    session_is_over.set()
    server.send_signal(signal.SIGQUIT)
    server.send_signal(signal.SIGCONT)


def _wait_for_the_end_of(session: Path) -> None:
    """A session holds its lock as long as it lives; all its guardians share what it leaves behind."""
    try:
        descriptor = os.open(session / "alive", os.O_RDWR)
    except FileNotFoundError:
        return
    fcntl.flock(descriptor, fcntl.LOCK_SH)


if __name__ == "__main__":
    main(*sys.argv[1:])
