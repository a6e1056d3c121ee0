"""The servers of a session: one of each version for all its processes, and others for one test alone."""

import random
import secrets
import shutil
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from tests.servers import locks
from tests.servers.account import Account, server_account
from tests.servers.installations import Installation
from tests.servers.postgres import HOST, USER, NotStarted, PostgresServer, password
from tests.servers.session import Session

# Below those that systems give to outgoing connections, so that a port stays free while its server is down.
PORTS = range(15_000, 32_000)
ADDRESS_IN_USE = "Address already in use"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What initdb made, never started itself: servers run on copies of it."""

    data: Path
    secret: str


def shared_server(session: Session, installation: Installation) -> PostgresServer:
    """The one server of this version, started by the first who asks; it runs until the session ends."""
    address = session.folder / f"shared-{installation.major}.json"
    with locks.held(address.with_suffix(".lock")):
        if not address.exists():
            _new_server(session, installation, {}).save(address)
        return PostgresServer.load(address)


@contextmanager
def own_server(
    session: Session, installation: Installation, settings: Mapping[str, str] | None = None
) -> Iterator[PostgresServer]:
    """A server that nobody else knows; it and its files are gone after the block."""
    with _ended(_new_server(session, installation, settings or {})) as server:
        yield server


@contextmanager
def standby_of(primary: PostgresServer) -> Iterator[PostgresServer]:
    """A server that follows this one, which is started again for that, and may be read; it is gone after the block."""
    primary.stop()
    folder = _folder(primary.folder.with_name(f"standby-{secrets.token_hex(4)}"), primary.account)
    _succeed(primary.account, ["cp", "-a", primary.folder / "data", folder / "data"], folder=folder)
    (folder / "data" / "standby.signal").touch()
    primary.start()
    followed = f"host={HOST} port={primary.port} user={USER} password='{primary.password}'"
    settings = {**primary.settings, "primary_conninfo": followed}
    with _ended(_start_on_afree_port(replace(primary, folder=folder, port=free_port(), settings=settings))) as standby:
        yield standby


@contextmanager
def _ended(server: PostgresServer) -> Iterator[PostgresServer]:
    try:
        yield server
    finally:
        if server.was_killed():
            with suppress(NotStarted):
                server.start()  # the shared memory that a killed server left is only freed by its successor
        server.stop("immediate")
        shutil.rmtree(server.folder)


def _new_server(session: Session, installation: Installation, settings: Mapping[str, str]) -> PostgresServer:
    account = server_account()
    programs = installation.reachable_programs(account, folder=session.folder)
    cluster = _cluster(session, installation.major, programs, account)
    folder = _folder(session.folder / f"server-{installation.major}-{secrets.token_hex(4)}", account)
    _succeed(account, ["cp", "-a", cluster.data, folder / "data"], folder=folder)
    server = PostgresServer(
        major=installation.major,
        session=session.folder,
        folder=folder,
        program=programs / "postgres",
        account=account,
        port=free_port(),
        secret=cluster.secret,
        settings=settings,
    )
    return _start_on_afree_port(server)


def _cluster(session: Session, major: int, programs: Path, account: Account) -> Cluster:
    """The session's cluster of this version, made when it is first asked for."""
    folder = session.folder / f"cluster-{major}"
    with locks.held(session.folder / f"{folder.name}.lock"):
        if not folder.exists():
            _initialise(folder, programs, account)
    return Cluster(data=folder / "data", secret=(folder / "secret").read_text())


def _initialise(folder: Path, programs: Path, account: Account) -> None:
    unfinished = _folder(folder.with_name(f"unfinished-{folder.name}"), account)
    secret = secrets.token_hex(12)
    (unfinished / "secret").write_text(secret)
    (unfinished / "password").write_text(password(secret))
    account.own(unfinished)
    where: list[str | Path] = [
        "--pgdata",
        unfinished / "data",
        "--username",
        USER,
        "--pwfile",
        unfinished / "password",
    ]
    # SCRAM computes thousands of rounds for each connection: half the time of making one.
    what = ["--auth", "md5", "--encoding", "UTF8", "--no-locale", "--no-sync", "--no-instructions"]
    _succeed(account, [programs / "initdb", *where, *what], folder=unfinished)
    unfinished.rename(folder)


def _folder(path: Path, account: Account) -> Path:
    path.mkdir(mode=0o700)
    account.own(path)
    return path


def _succeed(account: Account, command: Iterable[str | Path], *, folder: Path) -> None:
    done = account.run(command, folder=folder)
    if done.returncode != 0:
        raise RuntimeError(f"{done.args} failed:\n{done.stdout}{done.stderr}")


def _start_on_afree_port(server: PostgresServer) -> PostgresServer:
    while True:
        try:
            server.start()
        except NotStarted as error:
            if ADDRESS_IN_USE not in str(error):
                raise
            server = replace(server, port=free_port())
        else:
            return server


def free_port() -> int:
    """One that nobody listens on now; if another takes it meanwhile, the server's start finds out."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
