"""A SQLite file has one name: by each other one, SQLite keeps another write-ahead log, which nobody else reads."""

import os
import re
import shlex
import stat
from pathlib import Path

from spine.errors import StoreUnavailable

_MOUNTS = Path("/proc/self/mountinfo")  # of Linux; elsewhere nothing is mounted but folders
_ESCAPED = re.compile(rb"[ \t\n\\]")
_MOUNT_POINT = 4


def require_one_name(path: str) -> None:
    """Raise `StoreUnavailable` for a file with hard links, and for one that is mounted without its folder.

    `path` has no symbolic link in it, which are no harm: SQLite follows them.
    """
    try:
        found = os.stat(path)  # noqa: PTH116  # as cheap as can be
    except OSError:  # it is not there yet
        return
    if stat.S_ISREG(found.st_mode) and (names := found.st_nlink) > 1:
        raise StoreUnavailable(
            f"{path} has {names} names (hard links), and SQLite loses what is written by different ones; leave it one: "
            f"find the others with: find / -xdev -samefile {shlex.quote(path)}"
        )
    if _is_mounted(path):
        raise StoreUnavailable(
            f"{path} is mounted without its folder, as a volume of a container, so its write-ahead log would lie "
            "elsewhere and be lost; mount the folder that the file is in"
        )


def _is_mounted(path: str) -> bool:
    try:
        mounts = _MOUNTS.read_bytes().splitlines()
    except OSError:
        return False
    spelled = _ESCAPED.sub(lambda found: b"\\%03o" % found[0][0], os.fsencode(path))
    return any(mount.split(b" ", _MOUNT_POINT + 1)[_MOUNT_POINT] == spelled for mount in mounts)
