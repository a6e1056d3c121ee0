"""`OwnConnection`: keeps a forked process from the SQLite files that its parent had open.

The locks of a process on a file are not inherited, but what SQLite remembers of them is: a child that opened such a
file again would take no locks on it, and others would throw away what it commits.
"""

import os
import sqlite3
from contextlib import suppress
from typing import Any, ClassVar
from weakref import WeakSet

from sqlalchemy import Engine

from spine.errors import StoreUnavailable

_Inode = tuple[int, int]
_engines: WeakSet[Engine] = WeakSet()


class OwnConnection(sqlite3.Connection):
    """A connection to a file that no parent of this process had open when it was forked."""

    opened: ClassVar[WeakSet["OwnConnection"]] = WeakSet()
    inherited: ClassVar[set[_Inode]] = set()

    def __init__(self, path: str, *arguments: Any, **options: Any) -> None:
        if self.inherited & inodes(path):
            raise StoreUnavailable(
                f"the process that forked this one had {path} open, and SQLite loses what is written there now; start "
                "such a process with multiprocessing.get_context('spawn'), or as a program of its own"
            )
        super().__init__(path, *arguments, **options)
        self.inodes = inodes(path)  # now: later the path may lead elsewhere
        self.opened.add(self)

    def close(self) -> None:
        """Close it; a fork does not matter any more."""
        super().close()
        self.opened.discard(self)


def close_idle_before_forks(engine: Engine) -> None:
    """Let an engine keep nothing idle over a fork, so that only what is in use is inherited."""
    _engines.add(engine)


def _close_idle() -> None:
    with suppress(Exception):  # nobody may be kept from forking, and what stays open is noted
        for engine in list(_engines):
            engine.pool.dispose_idle()  # type: ignore[attr-defined]  # see `ClosablePool`


def _note_inherited() -> None:
    for connection in list(OwnConnection.opened):
        OwnConnection.inherited.update(connection.inodes)


def inodes(path: str) -> set[_Inode]:
    """Tell which file this path leads to: none or one."""
    try:
        found = os.stat(path)  # noqa: PTH116  # as cheap as can be
    except OSError:
        return set()
    return {(found.st_dev, found.st_ino)}


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_close_idle, after_in_child=_note_inherited)
