"""The migrated tables are those that the code says, and a difference would be noticed."""

from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import text

from spine.stores.sql import schema
from spine.stores.sql.tables import SCHEMA_TABLE, metadata
from tests.migrations.layout import layout
from tests.migrations.test_migrations_up_and_down import REVISIONS, scripts

ROOT = Path(__file__).resolve().parents[2]
DIFFERENCES = {
    "a column too many": "ALTER TABLE core_workflow_runs ADD COLUMN extra INTEGER",
    "a missing column": "ALTER TABLE core_workflow_runs DROP COLUMN error_category",
    "a missing index": "DROP INDEX core_workflow_runs_by_creation",
    "an index too many": "CREATE INDEX extra ON core_workflow_runs (holder)",
    "a missing table": "DROP TABLE core_workflow_events",
    "a table too many": "CREATE TABLE core_workflow_extras (id INTEGER)",
}
DIFFERENCES_ON_POSTGRESQL = {
    "a column that may be null": "ALTER TABLE core_workflow_runs ALTER COLUMN params DROP NOT NULL",
    "another length": "ALTER TABLE core_workflow_runs ALTER COLUMN run_id TYPE VARCHAR(40)",
    "another type": "ALTER TABLE core_workflow_runs ALTER COLUMN fence TYPE INTEGER",
    "json for jsonb": "ALTER TABLE core_workflow_runs ALTER COLUMN params TYPE JSON",
    "a time without its zone": "ALTER TABLE core_workflow_runs ALTER COLUMN expires_at TYPE TIMESTAMP",
    "two rows a step": "ALTER TABLE core_workflow_checkpoints DROP CONSTRAINT unique_run_step",
}


def differences(engine):
    with engine.connect() as connection:
        options = {"version_table": SCHEMA_TABLE, "compare_type": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


@contextmanager
def changed(engine, statement):
    schema.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text(statement))
    yield


def test_the_migrated_tables_are_those_of_the_code(engine):
    schema.upgrade(engine)

    assert differences(engine) == []


@pytest.mark.parametrize("what", DIFFERENCES)
def test_a_difference_would_be_noticed(engine, what):
    with changed(engine, DIFFERENCES[what]):
        assert differences(engine) != []


@pytest.mark.parametrize("what", DIFFERENCES_ON_POSTGRESQL)
def test_a_difference_of_types_would_be_noticed_on_postgresql(postgres_url, what):
    from spine.stores.sql import engine as engines
    from spine.stores.sql.url import parse_url

    engine = engines.make_engine(parse_url(postgres_url))
    with changed(engine, DIFFERENCES_ON_POSTGRESQL[what]):
        assert differences(engine) != []
    engine.dispose()


def test_migrated_tables_and_fresh_ones_are_the_same_to_the_last_default(engine):
    schema.upgrade(engine)
    migrated = layout(engine)
    schema.downgrade(engine, "base")
    assert migrated != layout(engine)

    metadata.create_all(engine)

    assert layout(engine) == migrated


def test_revisions_are_one_line_numbered_in_order():
    assert scripts().get_heads() == [schema.HEAD]
    assert [f"{number:04}" for number in range(1, len(REVISIONS) + 1)] == REVISIONS
    assert REVISIONS[-1] == schema.HEAD
    for script in scripts().walk_revisions():
        assert Path(script.path).name.startswith(f"{script.revision}_")
        assert (script.branch_labels, script.dependencies) == (set(), None)


def test_each_migration_stands_on_its_own():
    """What the code says of its tables changes; what a migration did does not."""
    for script in scripts().walk_revisions():
        assert "stores.sql.tables" not in Path(script.path).read_text()
        assert callable(script.module.upgrade)
        assert callable(script.module.downgrade)


def test_developers_migrate_with_alembic_itself(empty_url, engine, monkeypatch):
    monkeypatch.setenv("SPINE_DATABASE_URL", empty_url)
    config = Config(ROOT / "alembic.ini")

    command.upgrade(config, "head")
    command.check(config)

    assert differences(engine) == []
