"""`OwnConnection`: a connection to SQLite that loses nothing unseen, whatever is done to its process or its files.

The locks of a process on a file are not inherited by a fork, but what SQLite remembers of them is: a child that opened
such a file again would take no locks on it, and others would throw away what it commits. And who removes a write-ahead
log under a process, as restoring a backup by hand does, makes it write where nobody else reads.
"""

import atexit
import os
import sqlite3
from contextlib import suppress
from typing import Any, ClassVar, TypeVar
from weakref import WeakValueDictionary

from sqlalchemy import Engine

from spine import clock
from spine.errors import StoreUnavailable
from spine.stores.sql.one_name import require_one_name
from spine.stores.sql.preallocation import LogPreallocation

T = TypeVar("T")
_SECOND_NS = 1_000_000_000
_GRAIN_NS = 20_000_000  # the longest for which a system gives all changes one time
_Inode = tuple[int, int]
_LogAndIndex = tuple[_Inode | None, _Inode | None]
_Folder = tuple[int, int, int]  # its device and inode, and when something was last made, removed or renamed there
_engines: WeakValueDictionary[int, Engine] = WeakValueDictionary()
_kept: list["OwnConnection"] = []


class OwnConnection(sqlite3.Connection):
    """A connection to a file that no parent of this process had open when it forked, and that is in its place."""

    opened: ClassVar[WeakValueDictionary[int, "OwnConnection"]] = WeakValueDictionary()
    inherited: ClassVar[set[_Inode | None]] = set()
    inode: _Inode | None
    _log_path: str

    def __init__(self, path: str, *arguments: Any, **options: Any) -> None:
        inode = inode_of(path)
        if inode is not None and inode in self.inherited:
            raise StoreUnavailable(
                f"the process that forked this one had {path} open, and SQLite loses what is written there now; start "
                "such a process with multiprocessing.get_context('spawn'), or as a program of its own"
            )
        place = os.path.realpath(path)  # beside what a link names
        self._path, self._log_path, self._index_path = path, f"{place}-wal", f"{place}-shm"
        if not self._is_open_here(inode):  # a copy by links that comes and goes is no harm to who has it open
            require_one_name(place)
        self._folder = os.path.dirname(place) if place == path else None  # noqa: PTH120  # a link may lead elsewhere
        self._looked_at: _Folder | None = None
        self._is_kept = False
        self._preallocation = LogPreallocation()
        self.inode = inode
        self.log_and_index: _LogAndIndex | None = None
        self._require_that_no_other_is_cut_off()  # or SQLite would read, and write, by the index that the other has
        self.opened[id(self)] = self  # before SQLite takes a lock that a fork would leave to the child for good
        super().__init__(path, *arguments, **options)
        self.inode = inode_of(path)  # now: it may be new, and later the path may lead elsewhere

    def _is_open_here(self, inode: _Inode | None) -> bool:
        """Tell whether this process has the file open by this name."""
        others = ((other.inode, other._log_path) for other in _living(self.opened))  # noqa: SLF001  # of its own class
        return inode is not None and (inode, self._log_path) in others

    def note_log(self) -> None:
        """Note which write-ahead log it has just opened; all that are open share one, or read what was never there."""
        self.log_and_index, self._looked_at = self._log_and_index_now(), None
        self._require_that_no_other_is_cut_off()

    def _log_and_index_now(self) -> _LogAndIndex:
        return inode_of(self._log_path), inode_of(self._index_path)

    def _require_that_no_other_is_cut_off(self) -> None:
        known = self._known()
        while not known <= {self._log_and_index_now()}:
            before, known = known, self._known()
            if known == before:  # nobody has closed it meanwhile
                raise self._cut_off()

    def _known(self) -> set[_LogAndIndex]:
        """Give what all that have this file open here know of its log; more than one is one too many."""
        others = (other.log_and_index for other in _living(self.opened) if other.inode == self.inode)
        return set(filter(None, others))

    def require_same_files(self) -> None:
        """Raise `StoreUnavailable` where nobody else would see what is written here: the files are not there now.

        They are looked at only if something was made, removed or renamed in their folder since.
        """
        folder = None if self._folder is None else _look_at(self._folder)
        if folder is not None and folder == self._looked_at:
            return
        self._looked_at = None
        if self.inode != inode_of(self._path):
            raise StoreUnavailable(removed(self._path))
        if self.log_and_index is not None and self.log_and_index[1] != inode_of(self._index_path):
            raise self._cut_off()
        self._looked_at = folder if folder is not None and _is_settled(folder) else None

    def require_same_log(self) -> None:
        """Raise the same for the log itself; not after each write, for a log that was looked at is slower to sync.

        Where Linux keeps fine times of what was looked at, the next write must write down the inode too.
        """
        if self.log_and_index is not None and self.log_and_index[0] != inode_of(self._log_path):
            raise self._cut_off()

    def preallocate_log(self) -> None:
        """Let the log have its blocks of the disk before it is written to; raises what a write would."""
        self._preallocation.before_write(self, self._log_path)

    def _cut_off(self) -> StoreUnavailable:
        return StoreUnavailable(
            f"the write-ahead log {self._log_path} was removed or replaced while this process had it open: a backup "
            "was restored meanwhile, or a step opened the file itself; what was written since may be lost. End every "
            "process that has the file open, this one too, restore the backup once more if there was one, and resume"
        )

    def close(self) -> None:
        """Close it; neither its log nor a fork matters any more.

        One that is cut off is left open until the process ends: SQLite would copy the old log into the file, over what
        others have committed since, and remove theirs.
        """
        if self.keep_open_if_cut_off():
            return
        self.log_and_index = None  # before SQLite removes them and another thread opens the next
        super().close()
        self.opened.pop(id(self), None)

    def __del__(self) -> None:
        """Leave one that is cut off open also where nobody closes it."""
        if not self.keep_open_if_cut_off() and _closes_in_del:
            super().__del__()  # type: ignore[misc]

    def keep_open_if_cut_off(self) -> bool:
        """Keep this from ever being closed, if it is cut off, also when the interpreter ends; tell whether it is."""
        noted = getattr(self, "log_and_index", None)
        if noted is None or (self.inode, noted) == (inode_of(self._path), self._log_and_index_now()):
            return False
        if not self._is_kept:
            self._is_kept = True
            _keep(self)
        return True


_closes_in_del = hasattr(sqlite3.Connection, "__del__")  # of Python 3.13 and newer


def _keep(connection: OwnConnection) -> None:
    try:
        import ctypes  # noqa: PLC0415  # where a file was pulled away, and nowhere else
    except ImportError:  # which some are built without: it is kept until the interpreter ends
        _kept.append(connection)
    else:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))  # what C code holds is never let go of


def close_idle_before_forks(engine: Engine) -> None:
    """Let an engine keep nothing idle over a fork, so that only what is in use is inherited."""
    _engines[id(engine)] = engine


def _close_idle() -> None:
    for engine in _living(_engines):
        with suppress(Exception):  # nobody may be kept from forking, and what stays open is noted
            engine.pool.dispose_idle()  # type: ignore[attr-defined]  # see `ClosablePool`


def _keep_open_those_cut_off() -> None:
    """Look at all of them before the interpreter, when it ends, closes them and can import nothing any more."""
    for connection in _living(OwnConnection.opened):
        connection.keep_open_if_cut_off()


def _note_inherited() -> None:
    OwnConnection.inherited.update(connection.inode for connection in _living(OwnConnection.opened))


def _living(kept: WeakValueDictionary[int, T]) -> list[T]:
    """Give what is still there, whatever other threads add or take away meanwhile."""
    return [each for reference in kept.valuerefs() if (each := reference()) is not None]


def inode_of(path: str) -> _Inode | None:
    """Tell which file this path leads to."""
    try:
        found = os.stat(path)  # noqa: PTH116  # as cheap as can be
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _look_at(folder: str) -> _Folder | None:
    try:
        found = os.stat(folder)  # noqa: PTH116  # as cheap as can be
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_ctime_ns  # a time that nobody can set


def _is_settled(folder: _Folder) -> bool:
    """Tell whether another change would give a folder another time; some systems count only whole seconds."""
    changed_ns = folder[2]
    grain = _GRAIN_NS if changed_ns % _SECOND_NS else 2 * _SECOND_NS
    return clock.now().timestamp() * _SECOND_NS - changed_ns > grain


def removed(where: str) -> str:
    """Say that a file is not the one that it was."""
    return (
        f"{where} was removed or replaced since it was opened; nothing was read or written in its place. "
        "Put the file back, or begin with a new runner"
    )


atexit.register(_keep_open_those_cut_off)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_close_idle, after_in_child=_note_inherited)
