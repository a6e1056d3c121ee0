"""`LogPreallocation`: SQLite's write-ahead log gets its blocks of the disk before the steps that fill them.

A commit that makes a file longer has the file system commit too: on ext4 it takes twice as long as one into blocks that
the file has. SQLite begins its log again when that has 1,000 pages, and then needs no more; but it removes the log with
the last connection, so that a process which drives one run and ends, as cron's do, would make it longer at every step.
"""

import sqlite3
from contextlib import suppress
from pathlib import Path

from spine.stores.sql.tables import definitions

_PAGE = 4096  # bytes
_FULL = 1000 * _PAGE  # where SQLite begins a log again (its `wal_autocheckpoint`)
_PAGES_OF_A_WRITE = 3  # the run's, the checkpoint's and that of its key
_WITHOUT = 4  # writes: a run that is over after a few steps would pay more than it gains
_FIRST = 16  # writes
_SPILLING = 10  # pages in memory, the least with which SQLite works: it writes all others down before a commit
_UNSEEN = f"INSERT INTO {definitions.name} (run_id, definition) VALUES ('', zeroblob(?))"  # noqa: S608  # our own name


class LogPreallocation:
    """Makes the log of one connection longer after 4 writes for 16, then for 32, and so on, until it is full."""

    __slots__ = ("_writes", "_writes_left")

    def __init__(self) -> None:
        self._writes = _FIRST
        self._writes_left = _WITHOUT

    def before_write(self, connection: sqlite3.Connection, log_path: str) -> None:
        """Make the log longer if that which was made is used up; raises what the write would, if it is kept waiting."""
        if self._writes_left:
            self._writes_left -= 1
            return
        lacking = _FULL - _size_of(log_path)
        if lacking <= 0:
            self._writes_left = -1  # which is never used up
            return
        _make_longer(connection, min(self._writes * _PAGES_OF_A_WRITE * _PAGE, lacking))
        self._writes_left = self._writes - 1
        self._writes *= 2


def _size_of(log_path: str) -> int:
    try:
        return Path(log_path).stat().st_size
    except OSError:  # it was pulled away: the session finds that out
        return 0


def _make_longer(connection: sqlite3.Connection, size: int) -> None:
    """Write so many bytes into the log that nobody will see, for they are rolled back: SQLite leaves it so long."""
    execute = connection.execute
    restored = f"PRAGMA cache_size = {execute('PRAGMA cache_size').fetchone()[0]}"  # now: a signal may come to a format
    try:
        execute(f"PRAGMA cache_size = {_SPILLING}")
        execute("BEGIN IMMEDIATE")
        with suppress(sqlite3.Error):  # the disk is full: then it is the write that says so
            execute(_UNSEEN, (size,))
    finally:
        try:
            if connection.in_transaction:
                execute("ROLLBACK")
        finally:
            execute(restored)
