"""`Place`: a database system that storms rage over; every round gets a database of its own there."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import upgrade
from tests.contract.rows import Rows
from tests.servers.bouncer import Bouncer, find_pgbouncer, own_bouncer
from tests.servers.clusters import own_server
from tests.servers.databases import migrated_template
from tests.servers.installations import find_installations
from tests.servers.postgres import PostgresServer
from tests.servers.session import Session
from tests.storm.way import through, told

SQLITE = "sqlite"
# As in production: what was committed is on disk.
DURABLE = {"fsync": "on", "full_page_writes": "on"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One round's database: `url` is the way of the workers, `straight_url` that of whoever checks them."""

    url: str
    straight_url: str

    @contextmanager
    def rows(self) -> Iterator[Rows]:
        """Open a connection for raw SQL: a new one, since storms cut every old one."""
        with closing(Rows(self.straight_url)) as rows:
            yield rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """SQLite, or a PostgreSQL server of its own, perhaps behind a PgBouncer."""

    name: str
    server: PostgresServer | None = None
    bouncer: Bouncer | None = None

    @property
    def is_sqlite(self) -> bool:
        return self.server is None

    @contextmanager
    def database(self, folder: Path) -> Iterator[Database]:
        """Give a new database; that of SQLite gets its tables from whoever comes first."""
        if self.server is None:
            url = f"sqlite:///{folder / 'spine.db'}"
            yield Database(url=url, straight_url=url)
            return
        with self.server.database(migrated_template(self.server, upgrade)) as url:
            way = url if self.bouncer is None else told(through(url, self.bouncer.port), "pooler=transaction")
            yield Database(url=way, straight_url=url)


def place_names() -> list[str]:
    """The places this machine has."""
    names = [SQLITE, *find_installations()]
    if find_pgbouncer() and find_installations():
        names.append(_behind_pgbouncer())
    return names


@contextmanager
def open_place(name: str, session: Session) -> Iterator[Place]:
    """Start what the place needs; it is gone after the block."""
    if name == SQLITE:
        yield Place(name=name)
        return
    with ExitStack() as stack:
        system = name.partition("+")[0]
        server = stack.enter_context(own_server(session, find_installations()[system], DURABLE))
        program = find_pgbouncer()
        if system == name or program is None:
            yield Place(name=name, server=server)
        else:
            yield Place(name=name, server=server, bouncer=stack.enter_context(own_bouncer(program, server, session)))


def _behind_pgbouncer() -> str:
    return f"{list(find_installations())[-1]}+pgbouncer"
