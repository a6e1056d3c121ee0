"""The limit: one prepared insert of one row and its commit, on the bare driver."""

import json
import sqlite3
from typing import Any

from benchmarks.contender import POSTGRESQL, SQLITE
from benchmarks.work import Output, Work

_TABLE = """CREATE TABLE IF NOT EXISTS bare_outputs
    (run TEXT NOT NULL, step INTEGER NOT NULL, output {}, PRIMARY KEY (run, step))"""
_ALL = "SELECT output FROM bare_outputs WHERE run = {} ORDER BY step"


class Limit:
    """What no library that commits after each step can beat."""

    name = "limit"
    needs = "psycopg"
    kinds = (POSTGRESQL, SQLITE)
    durability = "synchronous_commit=on; WAL with synchronous=FULL"

    def open(self, url: str) -> None:
        """See `Contender`."""
        self._bare: Any = _Postgres(url) if url.startswith("postgresql") else _Sqlite(url)

    def drive(self, work: Work) -> None:
        """See `Contender`."""
        insert, run = self._bare.insert, work.run

        def read(step: int) -> Output:
            return dict(json.loads(self._bare.read(run)[step]))

        for step in range(work.steps):
            insert(run, step, json.dumps(work.perform(step, read)))

    def stored(self, work: Work) -> list[Output]:
        """See `Contender`."""
        return [json.loads(text) for text in self._bare.read(work.run)]

    def close(self) -> None:
        """See `Contender`."""
        self._bare.connection.close()


class _Postgres:
    def __init__(self, url: str) -> None:
        import psycopg  # noqa: PLC0415  # not there in every environment

        self.connection = psycopg.connect(url, autocommit=True)
        self.connection.execute(_TABLE.format("JSONB"))
        self._cursor = self.connection.cursor()

    def insert(self, run: str, step: int, output: str) -> None:
        self._cursor.execute("INSERT INTO bare_outputs VALUES (%s, %s, %s)", (run, step, output), prepare=True)

    def read(self, run: str) -> list[str]:
        rows = self.connection.execute(_ALL.format("%s").replace("output FROM", "output::text FROM"), (run,))
        return [text for (text,) in rows]


class _Sqlite:
    def __init__(self, url: str) -> None:
        self.connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = FULL")
        self.connection.execute(_TABLE.format("TEXT"))
        self._cursor = self.connection.cursor()

    def insert(self, run: str, step: int, output: str) -> None:
        self._cursor.execute("BEGIN IMMEDIATE")
        self._cursor.execute("INSERT INTO bare_outputs VALUES (?, ?, ?)", (run, step, output))
        self._cursor.execute("COMMIT")

    def read(self, run: str) -> list[str]:
        return [text for (text,) in self.connection.execute(_ALL.format("?"), (run,))]


CONTENDER = Limit
