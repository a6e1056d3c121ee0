"""What the tables of a database look like, as its own catalogue tells it."""

from typing import Any

from sqlalchemy import Engine, inspect, text

from spine.stores.sql.tables import SCHEMA_TABLE


def layout(engine: Engine) -> dict[str, Any]:
    """Describe each table but that of the version: columns, defaults, keys, indexes, storage; in no order."""
    with engine.connect() as connection:
        inspector = inspect(connection)
        tables = set(inspector.get_table_names()) - {SCHEMA_TABLE}
        found = {
            table: {
                "columns": sorted(map(_column, inspector.get_columns(table)), key=repr),
                "primary key": inspector.get_pk_constraint(table)["constrained_columns"],
                "unique": sorted(map(_constraint, inspector.get_unique_constraints(table))),
                "foreign keys": inspector.get_foreign_keys(table),
                "checks": inspector.get_check_constraints(table),
                "indexes": sorted(map(_index, inspector.get_indexes(table))),
            }
            for table in tables
        }
        if engine.dialect.name == "postgresql":
            found["storage"] = sorted(connection.execute(text(_STORAGE)).all(), key=repr)
        return found


_STORAGE = f"""
SELECT relname, reloptions::text FROM pg_class
WHERE relname LIKE 'core%' AND relname NOT LIKE '{SCHEMA_TABLE}%' AND relkind <> 'v'
"""


def _column(column: Any) -> tuple[Any, ...]:
    default = column["default"] or ""
    return column["name"], repr(column["type"]), column["nullable"], default.strip("()"), repr(column.get("identity"))


def _constraint(constraint: Any) -> tuple[Any, ...]:
    return constraint["name"], constraint["column_names"]


def _index(index: Any) -> tuple[Any, ...]:
    return index["name"], index["column_names"], bool(index["unique"])
