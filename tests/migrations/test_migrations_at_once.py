"""Many may migrate at once, and whoever is killed in between leaves nothing half done."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from spine.stores.sql import engine as engines
from spine.stores.sql import schema
from spine.stores.sql.url import parse_url
from spine.testing.contract.drive import at_once
from tests.migrations.layout import layout
from tests.programs.forked import ROOT, Spoken, run_forked

LOCK = 5_729_184_046  # of the migrations
STOPPING_UPGRADE, NEVER = "tests.migrations.killed_upgrade", "-1"


def upgrade_once(url):
    engine = engines.make_engine(parse_url(url))
    try:
        schema.upgrade(engine)
    finally:
        engine.dispose()


def fresh_layout(engine):
    schema.downgrade(engine, "base")
    schema.upgrade(engine)
    return layout(engine)


def test_ten_threads_upgrade_one_database(empty_url, engine):
    at_once(10, lambda _: upgrade_once(empty_url))

    assert layout(engine) == fresh_layout(engine)


def test_ten_threads_upgrade_ten_databases(tmp_path):
    urls = [f"sqlite:///{tmp_path / str(number)}" for number in range(10)]

    at_once(10, lambda number: upgrade_once(urls[number]))

    for url in urls:
        engine = engines.make_engine(parse_url(url))
        with engine.connect() as connection:
            schema.check(connection)
        engine.dispose()


def test_several_processes_upgrade_one_database(empty_url, engine):
    done = at_once(3, lambda _: run_forked(STOPPING_UPGRADE, empty_url, NEVER, folder=ROOT))

    assert [each.returncode for each in done] == [0, 0, 0], done
    assert layout(engine) == fresh_layout(engine)


@pytest.mark.parametrize("number", [2, 7, 11])
def test_an_upgrade_that_is_killed_in_between_is_done_again(empty_url, engine, rows, number):
    with Spoken(STOPPING_UPGRADE, empty_url, str(number)) as process:
        said = []
        for line in process.stdout:
            said.append(line.strip())
            if said[-1] == "stopped":
                break

    assert process.returncode == -9
    assert said[-1] == "stopped"
    assert len(said) == number + 1
    assert not {name for name in rows.tables() if name.startswith("core_")}

    schema.upgrade(engine)

    assert layout(engine) == fresh_layout(engine)


def test_an_upgrade_waits_longer_than_for_any_other_lock(empty_postgres_url):
    impatient = {"options": "-c lock_timeout=200ms -c statement_timeout=200ms"}
    engine = engines.make_engine(parse_url(empty_postgres_url).update_query_dict(impatient))
    other = engines.make_engine(parse_url(empty_postgres_url))
    asked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    waited = "SELECT extract(epoch FROM now() - query_start) FROM pg_stat_activity WHERE wait_event = 'advisory'"
    with other.connect() as holding, other.connect() as looking, ThreadPoolExecutor(1) as threads:
        holding.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        upgraded = threads.submit(schema.upgrade, engine)
        while looking.execute(text(asked)).scalar_one() == 0:
            looking.rollback()
        while (looking.execute(text(waited)).scalar() or 0) < 0.4 and not upgraded.done():
            looking.rollback()
        holding.rollback()
        upgraded.result(timeout=60)
    with engine.connect() as connection:
        schema.check(connection)
    engine.dispose()
    other.dispose()
