"""The version of the schema: checked by one SELECT, changed by alembic."""

import threading
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, UniqueConstraint, text

import spine
from spine.errors import SchemaMissing, SchemaOutdated, SchemaTooNew, StoreError
from spine.stores.sql import engine as engines
from spine.stores.sql.dialect import POSTGRESQL, has_relation
from spine.stores.sql.tables import CONTEXTS_VIEW, SCHEMA_TABLE, metadata
from spine.stores.sql.url import describe

HEAD = "0003"
RESTORE = "restore it from a backup that is whole: an upgrade makes nothing that its revision says is there"
_ONE_AT_A_TIME = threading.Lock()  # alembic keeps what it works on in a global
_SELECT_VERSION = text(f"SELECT version_num FROM {SCHEMA_TABLE}")  # noqa: S608  # a constant of ours


def current(connection: Connection) -> str | None:
    """Read the revision of the tables; None if there are none. Raise `StoreError` if they claim to have several."""
    if not connection.execute(has_relation(connection.dialect.name), {"name": SCHEMA_TABLE}).scalar_one():
        return None
    found = connection.execute(_SELECT_VERSION).scalars().all()
    if len(found) > 1:
        raise StoreError(
            f"{SCHEMA_TABLE} in {describe(connection.engine.url)} holds {len(found)} revisions where there "
            f"must be one ({', '.join(sorted(found))}); nothing was read or written"
        )
    return found[0] if found else None


def revision_of(engine: Engine) -> str | None:
    """Read the revision of a database's tables, as `current` does."""
    with engines.reading(engine) as connection:
        return current(connection)


def absent(engine: Engine) -> SchemaMissing:
    """Make the error that tells of a SQLite file that is not there."""
    where = f"{describe(engine.url)} does not exist"
    right = "name the right one (--database-url, SPINE_DATABASE_URL)"
    if not Path(str(engine.url.database)).parent.is_dir():
        return SchemaMissing(f"{where}, nor does its folder; {right}")
    return SchemaMissing(f"{where}; {right}, or make it with: spine db upgrade")


def check(connection: Connection) -> None:
    """Raise the `Schema...` error that fits unless the tables are those of this program."""
    require_head(current(connection), describe(connection.engine.url))


def require_head(revision: str | None, where: str) -> None:
    """Raise the `Schema...` error that fits unless this revision is that of this program."""
    if revision is None:
        raise SchemaMissing(f"{where} has no tables of Spine; if it is the right one, make them with: spine db upgrade")
    if revision < HEAD:
        raise SchemaOutdated(
            f"the tables in {where} are at revision {revision} and this program needs {HEAD}; run: spine db upgrade"
        )
    if revision > HEAD:
        raise SchemaTooNew(
            f"the tables in {where} are at revision {revision}, newer than this program, which knows {HEAD}; "
            "upgrade spine-orchestrator; nothing was read or written"
        )


def missing(connection: Connection) -> list[str]:
    """Name the tables, indexes and views of this revision that are not there, as where a restore ended early."""
    question = has_relation(connection.dialect.name)
    wanted = [name for table in metadata.sorted_tables for name in _parts(table, connection.dialect.name)]
    return [name for name in (*wanted, CONTEXTS_VIEW) if not connection.execute(question, {"name": name}).scalar_one()]


def require_whole(connection: Connection) -> None:
    """Raise the `Schema...` error that fits, and `StoreError` where the revision is right and something is missing."""
    check(connection)
    if lacking := missing(connection):
        where = describe(connection.engine.url)
        raise StoreError(f"{where} is at revision {HEAD} and lacks {', '.join(lacking)}; {RESTORE}")


def _parts(table: Table, dialect: str) -> list[str]:
    """Name a table and its indexes; in SQLite those of its constraints have no names, and cannot be dropped."""
    indexes = [str(index.name) for index in table.indexes]
    unique = [str(each.name) for each in table.constraints if isinstance(each, UniqueConstraint)]
    return [table.name, *sorted(indexes + (unique if dialect == POSTGRESQL else []))]


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the tables to a revision; safe to run from several places at once."""
    found = revision_of(engine)
    if found is not None and found > HEAD:
        require_head(found, describe(engine.url))
    _migrate(engine, "upgrade", revision)
    if not engines.is_postgresql(engine):
        engines.use_wal(engine)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the tables back to a revision, `base` for none."""
    _migrate(engine, "downgrade", revision)


def migrations_folder() -> Path:
    """Find the migrations: inside the installed package, or beside it in a checkout."""
    package = Path(spine.__file__).parent
    shipped = package / "migrations"
    return shipped if shipped.is_dir() else package.parent / "migrations"


def _migrate(engine: Engine, way: str, revision: str) -> None:
    from alembic import command, util  # noqa: PLC0415  # alembic is loaded to migrate, not to run

    with _ONE_AT_A_TIME, engines.writing(engine) as connection:
        try:
            getattr(command, way)(_alembic_config(connection), revision)
        except util.CommandError as error:
            raise StoreError(f"cannot {way} {describe(engine.url)} to {revision}: {error}") from error


def _alembic_config(connection: Connection) -> Any:
    from alembic.config import Config  # noqa: PLC0415  # as above

    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
