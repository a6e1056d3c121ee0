"""A test session: a folder that all processes of one pytest run share, and that nothing of it outlives."""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.servers import locks

MEMORY = Path("/dev/shm")
ROOM_BYTES = 2 << 30
PREFIX = "spine-tests-"


class Session:
    """Opened by the process that pytest was started as, joined by the workers of pytest-xdist."""

    def __init__(self, folder: Path, alive: int | None = None) -> None:
        self.folder = folder
        self._alive = alive

    @classmethod
    def open(cls, base: Path | None = None) -> Self:
        """Make the folder, after clearing away what killed sessions left behind."""
        base = base or _roomy_folder()
        _remove_dead_sessions(base)
        unborn = Path(tempfile.mkdtemp(prefix=f"unborn-{PREFIX}", dir=base))
        unborn.chmod(0o711)  # the account of the servers must pass
        alive = locks.take(unborn / "alive")
        # Only now it gets the name others look for: nobody ever sees a session without its sign of life.
        return cls(unborn.rename(base / unborn.name.removeprefix("unborn-")), alive)

    @classmethod
    def join(cls, folder: Path) -> Self:
        return cls(folder)

    def close(self) -> None:
        """End all servers of the session and remove its folder; a worker that only joined leaves it be."""
        if self._alive is None:
            return
        # Opened first: the guardian that is done first removes the folder, and the others are waited for too.
        guardians = [running.open("rb+") for running in self.folder.glob("*/running")]
        os.close(self._alive)
        self._alive = None
        for guardian in guardians:
            with guardian:
                fcntl.flock(guardian, fcntl.LOCK_EX)
        shutil.rmtree(self.folder, ignore_errors=True)


def _roomy_folder() -> Path:
    """Memory-backed storage if there is enough and programs may run there; else the temporary folder."""
    with suppress(OSError):
        storage = os.statvfs(MEMORY)
        has_room = storage.f_bavail * storage.f_frsize >= ROOM_BYTES
        runs_programs = not storage.f_flag & getattr(os, "ST_NOEXEC", 0)
        if has_room and runs_programs and os.access(MEMORY, os.W_OK | os.X_OK):
            return MEMORY
    return Path(tempfile.gettempdir())


def _remove_dead_sessions(base: Path) -> None:
    """Needed where a guardian was killed too; PostgreSQL itself ends when its folder is gone."""
    for folder in base.glob(f"{PREFIX}*"):
        with suppress(OSError), locks.held(folder / "alive", fcntl.LOCK_EX | fcntl.LOCK_NB):
            shutil.rmtree(folder, ignore_errors=True)
