"""Databases with Spine's tables in them, copied from a template that was migrated once for each server."""

from collections.abc import Callable

from tests.servers import locks
from tests.servers.postgres import PostgresServer

TEMPLATE = "spine_template"

Migrate = Callable[[str], object]


def migrated_template(server: PostgresServer, migrate: Migrate) -> str:
    """The name of the template; `migrate` is called with its URL, by the first who asks alone."""
    made = server.folder / "template.made"
    with locks.held(server.folder / "template.lock"):
        if not made.exists():
            _make(server, migrate)
            made.touch()
    return TEMPLATE


def _make(server: PostgresServer, migrate: Migrate) -> None:
    with server.connect() as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
        migrate(server.url(TEMPLATE))
        # Nobody connects to it any more, so it can be copied at any time.
        connection.execute(f"ALTER DATABASE {TEMPLATE} IS_TEMPLATE true ALLOW_CONNECTIONS false")
