"""What every worker would import, imported once by the process that they are forked from."""

import alembic.command
import psycopg
import sqlalchemy.dialects.postgresql.psycopg
import sqlalchemy.dialects.sqlite

import spine.config.sources
import spine.stores.sql.store
from tests.storm import worker

__all__ = ["alembic", "psycopg", "spine", "sqlalchemy", "worker"]
