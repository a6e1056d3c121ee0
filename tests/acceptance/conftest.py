"""A runner on each store; and a place to type `spine` in: an empty folder, no settings, nothing of the test before."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from spine.cli.main import main
from spine.orchestration import Registry, WorkflowRunner
from spine.orchestration.registry import DEFAULT_REGISTRY
from tests.acceptance.command import Said
from tests.acceptance.crashing import Scene
from tests.acceptance.recorded import Ran
from tests.conftest import INSTALLATIONS, POSTGRES, database, own_servers
from tests.servers.clusters import shared_server
from tests.servers.installations import installation_named
from tests.servers.postgres import PostgresServer
from tests.servers.session import Session

# What differs between versions of the server, the contract of stores shows on every one; here the newest will do.
NEWEST = POSTGRES[-1]


@pytest.fixture(params=("sqlite", NEWEST))
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """SQLite and the newest PostgreSQL in turn."""
    with database(request) as url:
        yield url


@pytest.fixture(params=("memory", "sqlite", NEWEST))
def store_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The memory store, SQLite and the newest PostgreSQL in turn."""
    with database(request) as url:
        yield url


@pytest.fixture(params=(NEWEST,))
def postgres(request: pytest.FixtureRequest, session: Session) -> PostgresServer:
    """The newest server, for all that ask for `postgres_url` here."""
    return shared_server(session, installation_named(request.param, INSTALLATIONS))


@pytest.fixture(params=(NEWEST,))
def new_postgres(request: pytest.FixtureRequest, session: Session) -> Iterator[Callable[..., PostgresServer]]:
    """The newest too, for all that ask for `own_postgres_url` here."""
    with own_servers(session, request.param) as start:
        yield start


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, empty; settings from outside do not reach it."""
    for name in [name for name in os.environ if name.startswith("SPINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(DEFAULT_REGISTRY, "_workflows", {})
    monkeypatch.setattr(DEFAULT_REGISTRY, "_pipelines", {**DEFAULT_REGISTRY._pipelines})
    modules = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - modules:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def spine(place: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Said]]:
    """Type the command in this process."""
    log = logging.getLogger("spine")
    level, handlers = log.level, log.handlers[:]

    def typed(*arguments: str) -> Said:
        capsys.readouterr()
        code = main(arguments)
        said = capsys.readouterr()
        return Said(code=int(code), out=said.out, err=said.err)

    yield typed
    log.setLevel(level)
    log.handlers = handlers


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def runner(store_url: str, registry: Registry) -> Iterator[WorkflowRunner]:
    """A runner on each store in turn."""
    with WorkflowRunner(store_url, registry=registry) as runner:
        yield runner


@pytest.fixture
def ran() -> Ran:
    return Ran()


@pytest.fixture
def scene(database_url: str, tmp_path: Path) -> Scene:
    """A run on SQLite and PostgreSQL in turn, whose processes are killed, stopped or told to end."""
    return Scene(database_url, tmp_path)
