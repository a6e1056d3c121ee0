"""Databases with Spine's tables in them, copied from a template that was migrated once for each server, or session."""

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.servers import locks
from tests.servers.postgres import PostgresServer
from tests.servers.session import Session

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


def copy_migrated_file(session: Session, migrate: Migrate, to: Path) -> None:
    """The same for SQLite."""
    made = session.folder / "template.db"
    with locks.held(session.folder / "template.lock"):
        if not made.exists():
            unmade = made.with_suffix(".unmade")
            migrate(f"sqlite:///{unmade}")
            unmade.rename(made)
    shutil.copyfile(made, to)


def _make(server: PostgresServer, migrate: Migrate) -> None:
    with server.connect() as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
        migrate(server.url(TEMPLATE))
        # Nobody connects to it any more, so it can be copied at any time.
        connection.execute(f"ALTER DATABASE {TEMPLATE} IS_TEMPLATE true ALLOW_CONNECTIONS false")
