"""Many runs at once: rows that are copies of a run's own, as no schema but the database's says them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg

RUNS, DEFINITIONS, CHECKPOINTS = "core_workflow_runs", "core_workflow_definitions", "core_workflow_checkpoints"
# One a second, the newest a month ago.
_TIMES = ("created_at", "started_at", "finished_at", "updated_at")
_POSTGRES = {
    "columns": "SELECT column_name FROM information_schema.columns WHERE table_name = '{table}'",
    "numbers": "generate_series(1, {number}) AS numbers(n)",
    "time": "now() - interval '30 days' - n * interval '1 second'",
}
_SQLITE = {
    "columns": "SELECT name FROM pragma_table_info('{table}')",
    "numbers": "(WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < {number}) "
    "SELECT n FROM up)",
    "time": "strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now', '-30 days', -n || ' seconds')",
}


def copy_run(url: str, run_id: str, number: int) -> None:
    """Copy a run that has ended, with all that is its own, so many times, as if they had run a second after another."""
    words = _POSTGRES if url.startswith("postgresql") else _SQLITE
    with connected(url) as connection:
        for table in (RUNS, DEFINITIONS, CHECKPOINTS):
            names = [name for (name,) in connection.execute(words["columns"].format(table=table)) if name != "id"]
            values = ", ".join(_value(name, words["time"]) for name in names)
            numbers = words["numbers"].format(number=number)
            connection.execute(
                f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM {table}, {numbers} "
                f"WHERE run_id = '{run_id}'"
            )
        connection.execute("ANALYZE")


def _value(column: str, time: str) -> str:
    if column == "run_id":
        return "run_id || '-' || n"
    return time if column in _TIMES else column


@contextmanager
def connected(url: str) -> Iterator[Any]:
    """Open a connection of the driver itself, in autocommit."""
    if url.startswith("postgresql"):
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection
        return
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as file:
        yield file
