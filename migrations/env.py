"""How alembic runs the migrations: on the connection it is given, under one lock, in one transaction."""

from typing import Any

from alembic import context
from sqlalchemy import Connection, text

from spine.config.settings import load_settings
from spine.stores.sql import engine as engines
from spine.stores.sql import timeouts
from spine.stores.sql.tables import SCHEMA_TABLE, metadata
from spine.stores.sql.url import parse_url

LOCK = 5_729_184_046
LONGEST_SECONDS = 86_400.0  # that one migration may take


def migrate(connection: Connection) -> None:
    """Migrate inside the caller's transaction; on SQLite it began with the write lock."""
    if connection.dialect.name == "postgresql":
        _wait_for_others(connection)
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table=SCHEMA_TABLE,
        transactional_ddl=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    context.run_migrations()


def _wait_for_others(connection: Connection) -> None:
    """Take the lock however long others migrate, and let this take as long; a table that is locked is given up soon."""
    driver: Any = connection.connection.driver_connection
    driver.answer_seconds = LONGEST_SECONDS
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    connection.execute(text("SET LOCAL lock_timeout = 0"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    connection.execute(text(f"SET LOCAL lock_timeout = '{timeouts.LOCK_SECONDS}s'"))


def run() -> None:
    """Take the connection that Spine gave, or, for developers, open the configured database."""
    given = context.config.attributes.get("connection")
    if given is not None:
        migrate(given)
        return
    engine = engines.make_engine(parse_url(load_settings().database_url))
    try:
        with engines.writing(engine) as connection:
            migrate(connection)
    finally:
        engine.dispose()


run()
