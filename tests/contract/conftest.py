"""A store in a database, and the rows behind it."""

from contextlib import closing

import pytest

import spine.testing  # noqa: F401  # pytest explains the asserts of the contract
from spine.stores.open import open_store
from tests.contract.rows import Rows


@pytest.fixture
def sql_store(database_url):
    with closing(open_store(database_url)) as store:
        yield store


@pytest.fixture
def rows(database_url):
    return Rows(database_url)


@pytest.fixture
def sqlite_store(sqlite_url):
    with closing(open_store(sqlite_url)) as store:
        yield store


@pytest.fixture
def sqlite_rows(sqlite_url):
    return Rows(sqlite_url)


@pytest.fixture
def postgres_store(postgres_url):
    with closing(open_store(postgres_url)) as store:
        yield store


@pytest.fixture
def postgres_rows(postgres_url):
    return Rows(postgres_url)
