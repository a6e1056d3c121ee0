"""PgBouncer in transaction mode before a PostgreSQL server, if this machine has it."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.servers import guardian
from tests.servers.clusters import _free_port
from tests.servers.postgres import HOST, USER, PostgresServer
from tests.servers.session import Session
from tests.storm.crew import until

SETTINGS = """[databases]
* = host={host} port={server_port}
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
pool_mode = transaction
auth_type = scram-sha-256
auth_file = {folder}/users
max_client_conn = 500
default_pool_size = 20
"""


def find_pgbouncer() -> Path | None:
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
    return None if found is None else Path(found)


@contextmanager
def bouncer(program: Path, server: PostgresServer, session: Session) -> Iterator[int]:
    """Give the port of a PgBouncer that ends with its session, as the servers do, or with the block."""
    folder, port = session.folder / f"pgbouncer-{server.port}", _free_port()
    folder.mkdir(mode=0o700)
    (folder / "users").write_text(f'"{USER}" "{server.password}"\n')
    settings = folder / "settings"
    settings.write_text(SETTINGS.format(host=HOST, server_port=server.port, port=port, folder=folder))
    server.account.own(folder)
    identity = [session.folder, folder, server.account.uid, server.account.gid]
    with (folder / "log").open("w") as log:
        subprocess.run(
            [*map(str, [sys.executable, "-I", guardian.__file__, *identity, program, settings])],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=True,
        )
    if not until(lambda: _answers(port), seconds=20):
        raise RuntimeError(f"PgBouncer did not start:\n{(folder / 'log').read_text()}")
    yield port


def _answers(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex((HOST, port)) == 0
