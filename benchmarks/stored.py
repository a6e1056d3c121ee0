"""How many bytes a database has stored."""

import sqlite3
from contextlib import closing

import psycopg

_TABLES = """
    SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
"""


def stored_bytes(url: str) -> int:
    """Tell the size of all tables with their indexes and what is kept beside them; on SQLite, of the file."""
    if url.startswith("postgresql"):
        with psycopg.connect(url) as connection:
            return int(connection.execute(_TABLES).fetchall()[0][0])
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages, page = (file.execute(f"PRAGMA {what}").fetchone()[0] for what in ("page_count", "page_size"))
    return int(pages * page)
