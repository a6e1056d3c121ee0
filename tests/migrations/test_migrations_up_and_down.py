"""Each migration goes up and down again; rows stay."""

from dataclasses import replace

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from spine.errors import SchemaTooNew, StoreError
from spine.stores.sql import schema
from spine.stores.sql.store import SqlStore
from spine.stores.sql.tables import SCHEMA_TABLE, metadata
from spine.testing.contract.drive import COMPLETED, FAILED, driving, everything, run_to
from tests.migrations.layout import layout


def scripts():
    config = Config()
    config.set_main_option("script_location", str(schema.migrations_folder()))
    return ScriptDirectory.from_config(config)


REVISIONS = [script.revision for script in reversed(list(scripts().walk_revisions()))]


def test_an_empty_database_gets_every_table(engine, rows):
    schema.upgrade(engine)

    assert rows.tables() == {*metadata.tables, SCHEMA_TABLE} | ({"sqlite_sequence"} & rows.tables())
    with engine.connect() as connection:
        assert schema.current(connection) == schema.HEAD
        schema.check(connection)


def test_an_upgrade_of_what_is_up_to_date_changes_nothing(engine, rows):
    schema.upgrade(engine)
    before = layout(engine), rows.everything()

    schema.upgrade(engine)

    assert (layout(engine), rows.everything()) == before


def test_each_migration_undoes_what_it_did(engine):
    seen = {"base": layout(engine)}
    for revision in REVISIONS:
        schema.upgrade(engine, revision)
        seen[revision] = layout(engine)

    for revision in reversed(["base", *REVISIONS[:-1]]):
        schema.downgrade(engine, revision)
        assert layout(engine) == seen[revision]

    assert len({repr(found) for found in seen.values()}) == len(REVISIONS) + 1


def test_a_database_that_went_down_comes_up_again(engine):
    schema.upgrade(engine)
    before = layout(engine)

    schema.downgrade(engine, "base")
    schema.upgrade(engine)

    assert layout(engine) == before


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_runs_live_through_an_upgrade_from_any_revision(empty_url, engine, revision):
    schema.upgrade(engine)
    store = SqlStore(empty_url)
    run_to(store, FAILED, "failed", partition={"region": "north"})
    run_to(store, COMPLETED, "completed")
    before = [everything(store, run_id) for run_id in ("failed", "completed")]

    schema.downgrade(engine, revision)
    schema.upgrade(engine)

    after = [everything(store, run_id) for run_id in ("failed", "completed")]
    store.close()
    for one, other in zip(before, after, strict=True):
        assert one.run == other.run
        assert one.checkpoints == other.checkpoints


def test_large_contexts_live_through_going_down_and_up_again(empty_url, engine):
    schema.upgrade(engine)
    store = SqlStore(empty_url)
    with driving(store, params={"k": 1}) as drive:
        drive.context = replace(drive.context, defaulted=frozenset({"k"}))
        for step in ("zeta", "b", "alpha"):
            drive.save(step, {"text": "x" * 3000})
            drive.context = drive.context.with_params({"k": 2})
        drive.writer.end_run(FAILED)
    before = everything(store).checkpoints

    schema.downgrade(engine, "0002")
    schema.upgrade(engine)

    after = everything(store).checkpoints
    store.close()
    assert [each.base_sequence for each in before] == [None, 1, 2]
    assert [each.base_sequence for each in after] == [None, None, None]
    for one, other in zip(before, after, strict=True):
        assert one.context == other.context
        assert list(one.step_outputs) == list(other.step_outputs)


@pytest.mark.parametrize("version", ["9999", "0003_of_a_fork", "a1b2c3"])
def test_newer_tables_are_not_upgraded(engine, rows, version):
    schema.upgrade(engine)
    rows.ask(f"UPDATE {SCHEMA_TABLE} SET version_num = ?", version)
    before = layout(engine), rows.everything()

    with pytest.raises(SchemaTooNew, match=version):
        schema.upgrade(engine)

    assert (layout(engine), rows.everything()) == before


def test_tables_of_a_revision_that_never_was_are_not_upgraded(engine, rows):
    schema.upgrade(engine)
    rows.ask(f"UPDATE {SCHEMA_TABLE} SET version_num = '0000'")
    before = layout(engine), rows.everything()

    with pytest.raises(StoreError, match="0000"):
        schema.upgrade(engine)

    assert (layout(engine), rows.everything()) == before


def test_a_revision_that_is_not_there_is_refused(engine, rows):
    schema.upgrade(engine)
    before = layout(engine), rows.everything()

    for change in (schema.upgrade, schema.downgrade):
        with pytest.raises(StoreError, match="nonsense"):
            change(engine, "nonsense")

    assert (layout(engine), rows.everything()) == before


def test_tables_that_somebody_else_made_are_not_overwritten(engine, rows):
    rows.ask("CREATE TABLE core_workflow_checkpoints (mine INTEGER)")

    with pytest.raises(StoreError):
        schema.upgrade(engine)

    assert rows.tables() == {"core_workflow_checkpoints"}
    assert rows.ask("SELECT mine FROM core_workflow_checkpoints") == []
