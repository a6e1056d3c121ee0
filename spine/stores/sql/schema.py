"""The version of the schema: checked by one SELECT, changed by alembic."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, inspect, text

import spine
from spine.errors import SchemaMissing, SchemaOutdated, SchemaTooNew
from spine.stores.sql import engine as engines
from spine.stores.sql.tables import SCHEMA_TABLE

HEAD = "0002"
_SELECT_VERSION = text(f"SELECT version_num FROM {SCHEMA_TABLE}")  # noqa: S608  # a constant of ours


def current(connection: Connection) -> str | None:
    """Read the revision of the tables; None if there are none."""
    if not inspect(connection).has_table(SCHEMA_TABLE):
        return None
    return connection.execute(_SELECT_VERSION).scalar_one_or_none()


def check(connection: Connection) -> None:
    """Raise the `Schema...` error that fits unless the tables are those of this program."""
    where = engines.describe(connection.engine.url)
    revision = current(connection)
    if revision is None:
        raise SchemaMissing(f"{where} has no tables of Spine; make them with: spine db upgrade")
    if revision < HEAD:
        raise SchemaOutdated(
            f"the tables in {where} are at revision {revision} and this program needs {HEAD}; run: spine db upgrade"
        )
    if revision > HEAD:
        raise SchemaTooNew(
            f"the tables in {where} are at revision {revision}, newer than this program, which knows {HEAD}; "
            "upgrade spine-orchestrator; nothing was read or written"
        )


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the tables to a revision; safe to run from several places at once."""
    with engines.reading(engine) as connection:
        found = current(connection)
    if found is not None and found > HEAD:
        with engines.reading(engine) as connection:
            check(connection)
    from alembic import command  # noqa: PLC0415  # alembic is loaded to migrate, not to run

    with engines.writing(engine) as connection:
        command.upgrade(_alembic_config(connection), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the tables back to a revision, `base` for none."""
    from alembic import command  # noqa: PLC0415  # as above

    with engines.writing(engine) as connection:
        command.downgrade(_alembic_config(connection), revision)


def migrations_folder() -> Path:
    """Find the migrations: inside the installed package, or beside it in a checkout."""
    package = Path(spine.__file__).parent
    shipped = package / "migrations"
    return shipped if shipped.is_dir() else package.parent / "migrations"


def _alembic_config(connection: Connection) -> Any:
    from alembic.config import Config  # noqa: PLC0415  # as above

    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
