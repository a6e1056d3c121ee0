"""The limit: one prepared insert of one row and its commit, on the bare driver."""

import json
import sqlite3
import threading
from typing import Any

from benchmarks.contender import POSTGRESQL, SQLITE
from benchmarks.work import Output, Work

_TABLE = """CREATE TABLE IF NOT EXISTS bare_outputs
    (run TEXT NOT NULL, step INTEGER NOT NULL, output {}, PRIMARY KEY (run, step))"""
_ALL = "SELECT output FROM bare_outputs WHERE run = {} ORDER BY step"


class Limit:
    """What no library that commits after each step can beat: the outputs are there as text before the run begins."""

    name = "limit"
    needs = "psycopg"
    kinds = (POSTGRESQL, SQLITE)
    durability = "synchronous_commit=on; WAL with synchronous=FULL"

    def open(self, url: str) -> None:
        """See `Contender`."""
        self._url = url
        self._of_thread = threading.local()
        self._bare.make_table()

    def drive(self, work: Work) -> None:
        """See `Contender`."""
        texts = [json.dumps(work.output(step)) for step in range(work.steps)]
        bare, run, seen = self._bare, work.run, list[Output]()

        def read(step: int) -> Output:
            if not seen:
                seen.extend(map(json.loads, bare.read(run)))
            return seen[step]

        for step, text in enumerate(texts):
            work.perform(step, read)
            bare.insert(run, step, text)

    def stored(self, work: Work) -> list[Output]:
        """See `Contender`."""
        return [json.loads(text) for text in self._bare.read(work.run)]

    def close(self) -> None:
        """See `Contender`."""
        self._bare.connection.close()

    @property
    def _bare(self) -> Any:
        """One connection a thread."""
        if not hasattr(self._of_thread, "bare"):
            self._of_thread.bare = (_Postgres if self._url.startswith("postgresql") else _Sqlite)(self._url)
        return self._of_thread.bare


class _Postgres:
    def __init__(self, url: str) -> None:
        import psycopg  # noqa: PLC0415  # not there in every environment

        self.connection = psycopg.connect(url, autocommit=True)
        self._cursor = self.connection.cursor()

    def make_table(self) -> None:
        self.connection.execute(_TABLE.format("JSONB"))

    def insert(self, run: str, step: int, output: str) -> None:
        self._cursor.execute("INSERT INTO bare_outputs VALUES (%s, %s, %s)", (run, step, output), prepare=True)

    def read(self, run: str) -> list[str]:
        rows = self.connection.execute(_ALL.format("%s").replace("output FROM", "output::text FROM"), (run,))
        return [text for (text,) in rows]


class _Sqlite:
    def __init__(self, url: str) -> None:
        path = url.removeprefix("sqlite:///")
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = FULL")
        self._cursor = self.connection.cursor()

    def make_table(self) -> None:
        self.connection.execute(_TABLE.format("TEXT"))

    def insert(self, run: str, step: int, output: str) -> None:
        self._cursor.execute("BEGIN IMMEDIATE")
        self._cursor.execute("INSERT INTO bare_outputs VALUES (?, ?, ?)", (run, step, output))
        self._cursor.execute("COMMIT")

    def read(self, run: str) -> list[str]:
        return [text for (text,) in self.connection.execute(_ALL.format("?"), (run,))]


CONTENDER = Limit
