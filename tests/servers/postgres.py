"""One PostgreSQL server on loopback: its address, its process, its databases."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import quote
from uuid import uuid4

import psycopg
from psycopg import sql

from tests.servers import guardian, locks
from tests.servers.account import Account

HOST = "127.0.0.1"
USER = "spine"
LIMIT_SECONDS = 60.0
POLL_SECONDS = 0.01
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "dynamic_shared_memory_type": "mmap",  # in the data directory: a killed server leaves nothing elsewhere
    "max_connections": "200",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "synchronous_commit": "on",
    "fsync": "off",
    "full_page_writes": "off",
}

Administrator = psycopg.Connection[tuple[Any, ...]]
Mode = Literal["smart", "fast", "immediate"]
SIGNALS: Mapping[Mode, signal.Signals] = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}


class NotStarted(RuntimeError):
    """The server ended before it was ready; the message carries its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """A server by its folder and address, so that every process of a session can hold the same one.

    The password needs percent-encoding in a URL. Its `secret` is the part that reads the same in both: what a
    test looks for in places where no password may be.
    """

    major: int
    session: Path
    folder: Path
    program: Path
    account: Account
    port: int
    secret: str
    settings: Mapping[str, str] = field(hash=False)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        values = json.loads(path.read_text())
        paths = {name: Path(values[name]) for name in ("session", "folder", "program")}
        return cls(**(values | paths | {"account": Account(**values["account"])}))

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), default=str))

    @property
    def password(self) -> str:
        return password(self.secret)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{USER}:{quote(self.password, safe='')}@{HOST}:{self.port}/{database}"

    def is_running(self) -> bool:
        return locks.is_held(self._running)

    def was_killed(self) -> bool:
        """Whether it ended without cleaning up after itself."""
        return self._pid_file.exists() and not self.is_running()

    def start(self) -> None:
        """Start and wait until it answers."""
        if self.is_running():
            raise NotStarted(f"PostgreSQL {self.major} runs already on port {self.port}")
        self.log.write_text("")
        self._spawn()
        try:
            self.wait_until_ready()
        except NotStarted as error:
            raise NotStarted(f"{error}:\n{self.log.read_text()}") from error

    def stop(self, mode: Mode = "fast") -> None:
        """Ask the server to stop, and wait until it has; nothing happens if it is not running."""
        self._end(SIGNALS[mode])

    def kill(self) -> None:
        """End the server with SIGKILL, as a crash would."""
        self._end(signal.SIGKILL)

    def restart(self, mode: Mode = "fast") -> None:
        """Stop and start again on the same port."""
        self.stop(mode)
        self.start()

    def wait_until_ready(self) -> None:
        """Return when it lets a client in; NotStarted says that it ended instead or took too long."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while True:
            try:
                return self.connect().close()
            except psycopg.OperationalError as error:
                if not self.is_running() or time.monotonic() > deadline:
                    raise NotStarted(f"PostgreSQL {self.major} did not start") from error
            time.sleep(POLL_SECONDS)

    def connect(self, database: str = "postgres") -> Administrator:
        """A superuser's connection with autocommit; in a `with` block it is closed at the end."""
        return psycopg.connect(self.url(database), autocommit=True, connect_timeout=10)

    def create_database(self, template: str = "template1", *, by: Administrator | None = None) -> str:
        """Make a database with a name of its own and return its URL; `by` is a connection that is kept for this."""
        name = f"test_{uuid4().hex}"
        # FILE_COPY is several times faster than the default for a template as small as ours.
        self._administer("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, template, by=by)
        return self.url(name)

    def drop_database(self, url: str, *, by: Administrator | None = None) -> None:
        """Drop it even if somebody is connected."""
        self._administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", url.rpartition("/")[2], by=by)

    @contextmanager
    def database(self, template: str = "template1", *, by: Administrator | None = None) -> Iterator[str]:
        """Give the URL of a database that lives as long as the block."""
        url = self.create_database(template, by=by)
        try:
            yield url
        finally:
            self.drop_database(url, by=by)

    @property
    def _running(self) -> Path:
        return self.folder / "running"

    @property
    def _pid_file(self) -> Path:
        return self.folder / "data" / "postmaster.pid"

    def _administer(self, statement: str, *names: str, by: Administrator | None) -> None:
        with nullcontext(by) if by else self.connect() as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _spawn(self) -> None:
        settings = {**SETTINGS, "port": str(self.port), **self.settings}
        arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        identity = [self.session, self.folder, self.account.uid, self.account.gid]
        command = [
            sys.executable,
            "-I",
            guardian.__file__,
            *identity,
            self.program,
            "-D",
            self.folder / "data",
        ]
        with self.log.open("a") as log:
            subprocess.run(
                [*map(str, command), *arguments],
                cwd=self.folder,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
            )

    def _end(self, number: signal.Signals) -> None:
        if not self.is_running():
            return
        with suppress(FileNotFoundError, ProcessLookupError):  # it is ending already
            os.kill(int(self._pid_file.read_text().split()[0]), number)
        with locks.held(self._running):
            """Free when the last process of the server is gone."""


def password(secret: str) -> str:
    """Awkward on purpose: whoever forgets to encode or decode it cannot connect."""
    return f"p@ss/{secret}%"
