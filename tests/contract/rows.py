"""The rows behind a store, through the driver alone: nothing of Spine's code."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import psycopg

TABLES = ("core_workflow_runs", "core_workflow_checkpoints", "core_workflow_events", "core_workflow_schema")
TIMES = (
    *(("core_workflow_runs", f"{what}_at") for what in ("created", "started", "finished", "updated", "removed")),
    ("core_workflow_runs", "acquired_at"),
    ("core_workflow_runs", "expires_at"),
    ("core_workflow_checkpoints", "created_at"),
    ("core_workflow_checkpoints", "updated_at"),
    ("core_workflow_events", "created_at"),
)


class Rows:
    """A database as an operator with a prompt sees it; parameters are written `?`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite:")
        self._own: Any = None

    def close(self) -> None:
        if self._own is not None:
            self._own.close()
            self._own = None

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """Another connection than the one that `ask` uses."""
        with closing(self._connect()) as connection:
            yield connection

    def _connect(self) -> Any:
        if self.is_sqlite:
            return sqlite3.connect(self.url.removeprefix("sqlite:///"), isolation_level=None)
        return psycopg.connect(self.url, autocommit=True)

    def ask(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement and give the rows it returned."""
        self._own = self._own or self._connect()
        cursor = self._own.execute(self._spelled(statement), *([values] if values else []))
        return [] if cursor.description is None else [tuple(row) for row in cursor.fetchall()]

    def one(self, statement: str, *values: Any) -> Any:
        """Give the only value of the only row."""
        ((value,),) = self.ask(statement, *values)
        return value

    def everything(self, tables: Sequence[str] = TABLES) -> dict[str, list[tuple[Any, ...]]]:
        """Give all rows of all tables: to show that nothing changed."""
        return {table: sorted(self.ask(f"SELECT * FROM {table}"), key=repr) for table in tables}

    def tables(self) -> set[str]:
        """Give the names of the tables there are."""
        if self.is_sqlite:
            return {name for (name,) in self.ask("SELECT name FROM sqlite_master WHERE type = 'table'")}
        found = self.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {name for (name,) in found}

    def age(self, run_id: str, *, days: float) -> None:
        """Move all times of a run and its checkpoints into the past."""
        for table, columns in (
            ("core_workflow_runs", ("created_at", "started_at", "finished_at", "updated_at")),
            ("core_workflow_checkpoints", ("created_at", "updated_at")),
        ):
            for column in columns:
                older = self._older(column, days)
                self.ask(f"UPDATE {table} SET {column} = {older} WHERE run_id = ?", run_id)

    def _older(self, column: str, days: float) -> str:
        if self.is_sqlite:
            return f"strftime('%Y-%m-%d %H:%M:%f000+00:00', {column}, '-{days} days')"
        return f"{column} - make_interval(secs => {days * 86_400})"

    def _spelled(self, statement: str) -> str:
        return statement if self.is_sqlite else statement.replace("?", "%s")
