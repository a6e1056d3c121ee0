"""PgBouncer in transaction mode before a PostgreSQL server, where this machine has it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.servers import guardian, locks
from tests.servers.account import Account
from tests.servers.clusters import free_port
from tests.servers.postgres import HOST, LIMIT_SECONDS, POLL_SECONDS, USER, NotStarted, PostgresServer
from tests.servers.session import Session

PLACES = "/usr/sbin:/usr/local/sbin"
SETTINGS = """[databases]
* = host={host} port={server_port}
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
pool_mode = transaction
auth_type = scram-sha-256
auth_file = {folder}/users
pidfile = {folder}/pid
max_client_conn = 500
default_pool_size = 20
server_login_retry = 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bouncer:
    """A PgBouncer by its folder and port; like a server it runs under an account without privileges."""

    session: Path
    folder: Path
    program: Path
    account: Account
    port: int

    def start(self) -> None:
        """Start and wait until it listens."""
        (self.folder / "pid").unlink(missing_ok=True)  # what was killed left it, and it would not start
        identity = [self.session, self.folder, self.account.uid, self.account.gid]
        with self.log.open("a") as log:
            subprocess.run(
                [*map(str, [sys.executable, "-I", guardian.__file__, *identity, self.program, self._settings])],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
            )
        self._wait_until_it_listens()

    def kill(self) -> None:
        """End it with SIGKILL, and every connection through it; nothing happens if it is not running."""
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((self.folder / "pid").read_text()), signal.SIGKILL)
        with locks.held(self._running):
            """Free when it is gone."""

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def _running(self) -> Path:
        return self.folder / "running"

    @property
    def _settings(self) -> Path:
        return self.folder / "settings"

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + LIMIT_SECONDS
        while not (self.folder / "pid").exists() or not _listens(self.port):
            if not locks.is_held(self._running) or time.monotonic() > deadline:
                raise NotStarted(f"PgBouncer did not start:\n{self.log.read_text()}")
            time.sleep(POLL_SECONDS)


def find_pgbouncer() -> Path | None:
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path=PLACES)
    return None if found is None else Path(found)


@contextmanager
def own_bouncer(program: Path, server: PostgresServer, session: Session) -> Iterator[Bouncer]:
    """A PgBouncer before this server that nobody else knows; it is gone after the block, or with its session."""
    folder, port = session.folder / f"pgbouncer-{server.port}", free_port()
    folder.mkdir(mode=0o700)
    (folder / "users").write_text(f'"{USER}" "{server.password}"\n')
    (folder / "settings").write_text(SETTINGS.format(host=HOST, server_port=server.port, port=port, folder=folder))
    server.account.own(folder)
    bouncer = Bouncer(session=session.folder, folder=folder, program=program, account=server.account, port=port)
    bouncer.start()
    try:
        yield bouncer
    finally:
        bouncer.kill()
        shutil.rmtree(folder)


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex((HOST, port)) == 0
