"""Writes the golden databases of the current schema, as SQL text: once for each released schema, and never again.

    python -m tests.golden.make

Each holds the runs of `tests/golden/runs.py` as this version of Spine left them. Their times are moved back, so
that leases have run out whatever the clock of the machine says on which they are read, and nobody's host is named.
"""

import getpass
import os
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from spine.stores.sql import schema
from tests.conftest import INSTALLATIONS, upgrade
from tests.contract.rows import TIMES, Rows
from tests.golden import runs
from tests.servers.clusters import own_server
from tests.servers.postgres import PostgresServer
from tests.servers.session import Session

GOLDEN = Path(__file__).parent
BACK_DAYS = 730
WHO = "ann@etl-1/"
# What psql alone understands, and what tells the machine.
NOT_SQL = re.compile(r"^(\\(un)?restrict .*|-- Dumped (from|by) .*)\n", re.MULTILINE)


def main() -> None:
    folder = GOLDEN / schema.HEAD
    if folder.exists():
        sys.exit(f"{folder} is there already, and stays as it was released")
    texts = {"sqlite.sql": dump_sqlite(), "postgresql.sql": dump_postgresql()}
    folder.mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def dump_sqlite() -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spine.db"
        leave(f"sqlite:///{path}")
        with closing(sqlite3.connect(path)) as connection:
            return without_names("\n".join(connection.iterdump()) + "\n")


def dump_postgresql() -> str:
    """Dump with the oldest version there is: newer ones read it, not the other way round."""
    session = Session.open()
    try:
        with own_server(session, next(iter(INSTALLATIONS.values()))) as server:
            url = server.create_database()
            upgrade(url)
            leave(url)
            return without_names(NOT_SQL.sub("", pg_dump(server, url)))
    finally:
        session.close()


def pg_dump(server: PostgresServer, url: str) -> str:
    program = server.program.with_name("pg_dump")
    done = subprocess.run(
        [program, "--inserts", "--no-owner", "--no-privileges", "--dbname", url],
        env={**os.environ, "PGTZ": "UTC"},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    return done.stdout


def leave(url: str) -> None:
    runs.leave_all(url)
    with closing(Rows(url)) as rows:
        for table, column in TIMES:
            rows.ask(f"UPDATE {table} SET {column} = {rows._older(column, BACK_DAYS)}")


def without_names(text: str) -> str:
    return text.replace(f"{getpass.getuser()}@{socket.gethostname()}/", WHO).replace(f"{runs.ROOT}/", "")


if __name__ == "__main__":
    main()
