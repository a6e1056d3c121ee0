"""A store in a database, and the rows behind it."""

import shutil
from contextlib import closing

import pytest

import spine.testing  # noqa: F401  # pytest explains the asserts of the contract
from spine.stores.open import open_store
from spine.stores.protocol import RunFilter
from tests.contract.rows import Rows


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("template") / "spine.db"
    with closing(open_store(f"sqlite:///{path}")) as store:
        store.list_runs(RunFilter())
    return path


@pytest.fixture
def sqlite_url(tmp_path, migrated_file):
    """A file that has its tables already, which is most of what its first use costs."""
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'spine.db')}"


@pytest.fixture
def sql_store(database_url):
    with closing(open_store(database_url)) as store:
        yield store


@pytest.fixture
def rows(database_url):
    with closing(Rows(database_url)) as rows:
        yield rows


@pytest.fixture
def sqlite_store(sqlite_url):
    with closing(open_store(sqlite_url)) as store:
        yield store


@pytest.fixture
def sqlite_rows(sqlite_url):
    with closing(Rows(sqlite_url)) as rows:
        yield rows


@pytest.fixture
def postgres_store(postgres_url):
    with closing(open_store(postgres_url)) as store:
        yield store


@pytest.fixture
def postgres_rows(postgres_url):
    with closing(Rows(postgres_url)) as rows:
        yield rows
