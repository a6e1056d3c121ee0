"""A database without tables, on SQLite and every PostgreSQL."""

from contextlib import closing

import pytest

from spine.stores.sql import engine as engines
from spine.stores.sql.url import parse_url
from tests.contract.rows import Rows
from tests.servers.clusters import shared_server
from tests.servers.installations import find_installations, installation_named

INSTALLATIONS = find_installations()


@pytest.fixture(params=("sqlite", *(INSTALLATIONS or ("postgres",))))
def empty_url(request, session, sqlite_url, administrator):
    if request.param == "sqlite":
        yield sqlite_url
    else:
        server = shared_server(session, installation_named(request.param, INSTALLATIONS))
        with server.database(by=administrator(server)) as url:
            yield url


@pytest.fixture
def engine(empty_url):
    engine = engines.make_engine(parse_url(empty_url))
    yield engine
    engine.dispose()


@pytest.fixture
def rows(empty_url):
    with closing(Rows(empty_url)) as rows:
        yield rows
