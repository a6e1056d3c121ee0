"""The account that servers run under: PostgreSQL refuses to run as root."""

import os
import pwd
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

UNPRIVILEGED = ("postgres", "nobody")
OVERFLOW_ID = 65534


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user and group of this machine."""

    uid: int
    gid: int

    def is_ours(self) -> bool:
        return self.uid == os.geteuid()

    def run(self, command: Iterable[str | Path], *, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run a command to its end under this account, with nothing of our environment but the path."""
        return subprocess.run(
            [str(word) for word in command],
            cwd=folder,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            **self._switch(),
        )

    def can_run(self, program: Path, *, folder: Path) -> bool:
        """Whether this account reaches the program and the libraries it loads."""
        try:
            return self.run([program, "--version"], folder=folder).returncode == 0
        except PermissionError:
            return False

    def own(self, path: Path) -> None:
        """Give this account a file, or a folder with all that is in it."""
        if self.is_ours():
            return
        os.chown(path, self.uid, self.gid, follow_symlinks=False)
        for entry in path.rglob("*"):
            os.chown(entry, self.uid, self.gid, follow_symlinks=False)

    def _switch(self) -> dict[str, Any]:
        return {} if self.is_ours() else {"user": self.uid, "group": self.gid, "extra_groups": []}


def server_account() -> Account:
    """Our own account, or as root one without privileges."""
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid())
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    return Account(uid=OVERFLOW_ID, gid=OVERFLOW_ID)
