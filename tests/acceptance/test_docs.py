"""The documentation: what it shows works, what it names exists, and nothing public is left out."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import ProgrammingError

from spine.orchestration import Step, Workflow, WorkflowRunner
from spine.stores.sql import engine as engines
from spine.stores.sql import schema
from spine.stores.sql.dialect import seconds_from_now
from spine.stores.sql.tables import checkpoints, events, runs
from spine.stores.sql.url import parse_url
from tests.acceptance.pages import ROOT, Block, blocks_of, programs_of, run, speaks, statements_of
from tests.programs.forked import put_command

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [block for path in PAGES for block in blocks_of(path)]
LANGUAGES = {"python", "sh", "sql", "text", "json", "toml", "crontab", "mermaid", "yaml"}


def name_of(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", [path for path in PAGES if [*programs_of(blocks_of(path))]], ids=name_of)
def test_what_a_page_shows_works_in_the_order_it_is_shown(path, tmp_path, tmp_path_factory):
    commands = tmp_path_factory.mktemp("commands")
    inherited = put_command("spine", "spine", commands)
    for program in programs_of(blocks_of(path)):
        run(program, tmp_path, commands, inherited)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_every_block_says_its_language_and_a_fragment_is_well_formed(block: Block):
    assert block.language in LANGUAGES
    if block.language == "python":
        ast.parse(block.text)
    if block.language == "sh":
        subprocess.run(["bash", "-n"], input=block.text, encoding="utf-8", check=True)


@pytest.fixture
def history(database_url: str) -> Iterator[tuple[Connection, str]]:
    """A database as the pages speak of it: `monday` failed, one run crashed, one is being driven."""
    orders = Workflow(
        "orders",
        [Step.lambda_("extract", lambda ctx, config: {"record_count": 3}), Step.lambda_("load", _unreachable)],
    )
    with WorkflowRunner(database_url) as runner:
        for run_id in ("monday", "crashed", "driven"):
            runner.execute(orders, {"folder": "reports"}, run_id=run_id, partition={"date": "2026-01-10"})
    engine = engines.make_engine(parse_url(database_url))
    with engines.writing(engine) as connection:
        for run_id, seconds in (("crashed", -60), ("driven", 60)):
            lease = {"status": "running", "holder": "etl@db1/7", "expires_at": seconds_from_now(seconds)}
            connection.execute(update(runs).where(runs.c.run_id == run_id).values(**lease))
        yield connection, engine.dialect.name
    engine.dispose()


def _unreachable(ctx, config):
    raise TimeoutError("External API timeout")


def test_the_sql_of_the_pages_runs_and_finds_something(history):
    connection, dialect = history

    for block in (block for block in BLOCKS if speaks(block, dialect)):
        for statement in statements_of(block):
            answer = connection.exec_driver_sql(statement.replace("%", "%%") if dialect == "postgresql" else statement)

            assert not answer.returns_rows or answer.all(), f"{block} finds nothing"
    connection.rollback()


def test_the_roles_of_the_database_page_may_do_what_they_must_and_no_more(postgres_url):
    [grants] = [block for block in BLOCKS if "CREATE ROLE" in block.text]
    engine = engines.make_engine(parse_url(postgres_url))

    with engines.writing(engine) as connection:
        for statement in statements_of(grants):
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("SET LOCAL ROLE spine_runner")
        connection.execute(insert(events).values(run_id="monday", kind="run.created", details="{}"))
        for table in (checkpoints, runs):
            connection.execute(delete(table))
        with pytest.raises(ProgrammingError, match="permission denied"), connection.begin_nested():
            connection.execute(delete(events))
        schema.check(connection)
        connection.exec_driver_sql("RESET ROLE; SET LOCAL ROLE spine_reader")
        connection.execute(select(runs)).all()
        with pytest.raises(ProgrammingError, match="permission denied"), connection.begin_nested():
            connection.execute(delete(runs))
        connection.rollback()
    engine.dispose()
