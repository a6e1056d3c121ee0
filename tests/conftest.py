"""The databases that tests run against; real servers, started when the first test asks for one.

`database_url` and `store_url` run a test once for each database, `postgres_url` once for each version of
PostgreSQL. Every test gets a database of its own. A test that stops or kills its server takes `own_postgres`.
"""

import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.servers.clusters import own_server, shared_server
from tests.servers.databases import copy_migrated_file, migrated_template
from tests.servers.installations import find_installations, installation_named
from tests.servers.postgres import Administrator, PostgresServer
from tests.servers.session import Session

INSTALLATIONS = find_installations()
# Without any PostgreSQL the tests that need one are collected all the same, and fail.
POSTGRES = tuple(INSTALLATIONS) or ("postgres",)
Administrators = Callable[[PostgresServer], Administrator]
SESSION = pytest.StashKey[Session]()
SESSION_FOLDER = "spine_session_folder"


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell; children inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    worker = getattr(config, "workerinput", None)
    session = config.stash[SESSION] = Session.join(Path(worker[SESSION_FOLDER])) if worker else Session.open()
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(session.folder))  # gone with the servers


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the session of its controller is."""
    node.workerinput[SESSION_FOLDER] = str(node.config.stash[SESSION].folder)


def pytest_collection_finish() -> None:
    gc.freeze()  # else the garbage collector looks through thousands of tests again and again


def pytest_unconfigure(config: pytest.Config) -> None:
    if session := config.stash.get(SESSION, None):
        session.close()


@pytest.fixture
def session(pytestconfig: pytest.Config) -> Session:
    return pytestconfig.stash[SESSION]


@pytest.fixture(scope="session")
def administrator() -> Iterator[Administrators]:
    """A connection to a shared server that makes and drops databases; kept, for connecting takes as long as a drop."""
    with ExitStack() as opened:
        yield cache(lambda server: opened.enter_context(server.connect()))


@pytest.fixture(params=POSTGRES)
def postgres(request: pytest.FixtureRequest, session: Session) -> PostgresServer:
    """The server that all tests share, one of each version: to be asked, never to be stopped."""
    return shared_server(session, installation_named(request.param, INSTALLATIONS))


@pytest.fixture
def postgres_url(postgres: PostgresServer, administrator: Administrators) -> Iterator[str]:
    """A database with Spine's tables."""
    with postgres.database(migrated_template(postgres, upgrade), by=administrator(postgres)) as url:
        yield url


@pytest.fixture
def empty_postgres_url(postgres: PostgresServer, administrator: Administrators) -> Iterator[str]:
    """A database without any tables."""
    with postgres.database(by=administrator(postgres)) as url:
        yield url


@pytest.fixture(params=POSTGRES)
def new_postgres(request: pytest.FixtureRequest, session: Session) -> Iterator[Callable[..., PostgresServer]]:
    """Start servers of the test's own, with settings like `fsync="on"`; the test may stop and kill them."""
    with own_servers(session, request.param) as start:
        yield start


@contextmanager
def own_servers(session: Session, version: str) -> Iterator[Callable[..., PostgresServer]]:
    """Start servers of one version, which end with the block."""
    with ExitStack() as servers:
        yield lambda **settings: servers.enter_context(
            own_server(session, installation_named(version, INSTALLATIONS), settings)
        )


@pytest.fixture
def own_postgres(new_postgres: Callable[..., PostgresServer]) -> PostgresServer:
    """A server of the test's own that keeps what was committed as one in production does."""
    return new_postgres(fsync="on", full_page_writes="on")


@pytest.fixture
def own_postgres_url(own_postgres: PostgresServer) -> str:
    """A database with Spine's tables on a server of the test's own."""
    return own_postgres.create_database(migrated_template(own_postgres, upgrade))


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A file that gets Spine's tables on first use."""
    return f"sqlite:///{tmp_path / 'spine.db'}"


@pytest.fixture(params=("sqlite", *POSTGRES))
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each database in turn, with Spine's tables."""
    with database(request) as url:
        yield url


@pytest.fixture(params=("memory", "sqlite", *POSTGRES))
def store_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each store in turn."""
    with database(request) as url:
        yield url


@contextmanager
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of what the parameter of the fixture names."""
    if request.param == "memory":
        yield "memory://"
    elif request.param == "sqlite":
        url = request.getfixturevalue("sqlite_url")
        copy_migrated_file(request.getfixturevalue("session"), upgrade, Path(url.removeprefix("sqlite:///")))
        yield url
    else:
        session = request.getfixturevalue("session")
        server = shared_server(session, installation_named(request.param, INSTALLATIONS))
        administrator = request.getfixturevalue("administrator")
        with server.database(migrated_template(server, upgrade), by=administrator(server)) as url:
            yield url


def upgrade(url: str) -> None:
    from spine.stores.sql import engine as engines  # SQLAlchemy: only for tests with a database
    from spine.stores.sql import schema
    from spine.stores.sql.url import parse_url

    engine = engines.make_engine(parse_url(url))
    try:
        schema.upgrade(engine)
    finally:
        engine.dispose()
