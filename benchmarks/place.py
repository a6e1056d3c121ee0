"""`Place`: where contenders are measured: databases on a disk, which keep what they commit."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from benchmarks.contender import SQLITE
from benchmarks.disk import Disk
from tests.servers.clusters import own_server
from tests.servers.installations import find_installations
from tests.servers.postgres import PostgresServer
from tests.servers.session import Session

# What PostgreSQL ships with, where the tests have chosen otherwise.
SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
}
IN_MEMORY = ("tmpfs", "ramfs")


class NoDisk(RuntimeError):
    """No folder was found that is on a disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder on a disk and a PostgreSQL server with its data there."""

    folder: Path
    server: PostgresServer
    disk: Disk

    @contextmanager
    def database(self, kind: str) -> Iterator[str]:
        """Give the URL of an empty database, which is gone after the block."""
        if kind != SQLITE:
            with self.server.database() as url:
                yield url
            return
        path = self.folder / f"{uuid4().hex}.db"
        try:
            yield f"sqlite:///{path}"
        finally:
            for part in path.parent.glob(f"{path.name}*"):
                part.unlink()


@contextmanager
def opened(folder: Path | None = None, *, in_memory: bool = False) -> Iterator[Place]:
    """Start the newest PostgreSQL there is, and make a folder for everything else; `in_memory` allows one that is."""
    base = folder or next(iter(_folders_on_disk()), None)
    if base is None or (_is_in_memory(base) and not in_memory):
        raise NoDisk("a commit to memory is not durable; name a folder that is on a disk: --folder PATH")
    session = Session.open(base)
    try:
        newest = list(find_installations().values())[-1]
        files = session.folder / "files"
        files.mkdir()
        with own_server(session, newest, SETTINGS) as server:
            yield Place(folder=files, server=server, disk=Disk(files))
    finally:
        session.close()
        shutil.rmtree(session.folder, ignore_errors=True)


def _folders_on_disk() -> Iterator[Path]:
    for path in (Path(tempfile.gettempdir()), Path("/var/tmp"), Path.cwd()):  # noqa: S108  # nothing there is trusted
        if path.is_dir() and not _is_in_memory(path):
            yield path


def _is_in_memory(folder: Path) -> bool:
    """Tell by what is mounted there, as far as the system says."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return False
    kinds = {Path(point): kind for _, point, kind, *_ in map(str.split, mounts.read_text().splitlines())}
    real = folder.resolve()
    nearest = next(path for path in (real, *real.parents) if path in kinds)
    return kinds[nearest] in IN_MEMORY
