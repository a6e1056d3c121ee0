"""What a role of PostgreSQL may do with Spine's tables, and what to grant it."""

from sqlalchemy import Connection, text

from spine.records.finding import Finding, Verdict
from spine.stores.sql import tables

_READ = ("SELECT",)
_WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE")
_NEEDED = {
    tables.SCHEMA_TABLE: _READ,
    tables.runs.name: _WRITE,
    tables.definitions.name: _WRITE,
    tables.checkpoints.name: _WRITE,
    tables.events.name: ("SELECT", "INSERT"),
}
_HAS = text("SELECT has_table_privilege(to_regclass(:table), :right)")  # null where there is no such table
_IN_SCHEMA = text("SELECT quote_ident(current_schema()), has_schema_privilege(current_schema(), 'CREATE')")


def examine_role(connection: Connection) -> Finding:
    """Judge who asks: a problem if it can neither read the tables nor make them, advice if it may only read."""
    role = str(connection.execute(text("SELECT quote_ident(current_user)")).scalar_one())
    if connection.execute(text("SELECT to_regclass(:table)"), {"table": tables.SCHEMA_TABLE}).scalar_one() is None:
        return _maker(connection, role)
    lacking = {table: _lacking(connection, table, needed) for table, needed in _NEEDED.items()}
    grants = "; ".join(f"GRANT {', '.join(rights)} ON {table} TO {role}" for table, rights in lacking.items() if rights)
    if not grants:
        return _finding(Verdict.FINE, f"{role} may drive runs")
    if any("SELECT" in rights for rights in lacking.values()):
        return _finding(Verdict.PROBLEM, f"{role} may not read all tables", f"as their owner: {grants}")
    return _finding(
        Verdict.ADVICE,
        f"{role} may read, and lacks rights to drive runs",
        f"if it shall, as their owner: {grants}",
    )


def _maker(connection: Connection, role: str) -> Finding:
    """Judge who would make the tables."""
    schema, may_make = connection.execute(_IN_SCHEMA).one()
    if may_make:
        return _finding(Verdict.FINE, f"{role} may make the tables in schema {schema}")
    if schema is None:
        remedy = f"make a schema, or as the owner of one: GRANT USAGE ON SCHEMA public TO {role}"
        return _finding(Verdict.PROBLEM, f"{role} may use no schema of its search_path", remedy)
    remedy = f"as its owner or a superuser: GRANT CREATE ON SCHEMA {schema} TO {role}"
    return _finding(Verdict.PROBLEM, f"{role} may not make tables in schema {schema}", remedy)


def _lacking(connection: Connection, table: str, needed: tuple[str, ...]) -> list[str]:
    asked = {right: connection.execute(_HAS, {"table": table, "right": right}).scalar_one() for right in needed}
    return [right for right, has in asked.items() if has is False]


def _finding(verdict: Verdict, seen: str, remedy: str | None = None) -> Finding:
    return Finding(subject="permissions", verdict=verdict, seen=seen, remedy=remedy)
