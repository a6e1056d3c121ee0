"""Looks at a database as a doctor would: what is there, is it right, and what to do."""

import os
import shutil
import sqlite3
import stat
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from shlex import quote
from typing import Any

from sqlalchemy import Connection, Engine, select, text

from spine import clock
from spine.errors import SchemaMissing, SchemaOutdated, SchemaTooNew, StoreBusy, StoreError, StoreFull
from spine.records.finding import Finding, Verdict
from spine.stores.protocol import RunFilter
from spine.stores.sql import engine as engines
from spine.stores.sql import runs, schema, timeouts
from spine.stores.sql.dialect import now
from spine.stores.sql.permissions import examine_role
from spine.stores.sql.tables import SCHEMA_TABLE
from spine.stores.sql.url import describe

OLDEST_SQLITE = (3, 35, 0)  # UPDATE ... RETURNING
OLDEST_POSTGRESQL = 120000
RUNS_LOOKED_AT = 1000
LEAST_ROOM = 16_000_000  # bytes: the write-ahead log takes 4 MB, and what a step saves comes on top
FURTHEST_CLOCK = timedelta(seconds=5)
LONGEST_COMMIT = 5  # seconds that a standby may take to answer one
_Look = Callable[[Connection], Finding]
_UPGRADE = "run: spine db upgrade"
_SCHEMA_REMEDIES: dict[type[StoreError], str] = {
    SchemaMissing: _UPGRADE,
    SchemaOutdated: _UPGRADE,
    SchemaTooNew: "upgrade spine-orchestrator",
    StoreError: f"delete all rows of {SCHEMA_TABLE} but the one that fits the tables, or restore them from a backup",
}


def examine(engine: Engine) -> list[Finding]:
    """Look at everything that can be looked at; what cannot be reached, or is not there yet, is the only finding."""
    if engines.is_absent(engine):
        return [_absent(Path(str(engine.url.database)))]
    try:
        with engines.reading(engine) as connection:
            return _look(connection)
    except StoreError as error:
        return [_problem("database", str(error), _remedy(error, engine))]


def _look(connection: Connection) -> list[Finding]:
    found = [_fine("database", f"{describe(connection.engine.url)} answers")]
    looks = _SQLITE
    if engines.is_postgresql(connection.engine):
        found.append(examine_role(connection))
        if found[-1].verdict is Verdict.PROBLEM:  # it may read nothing else
            return found
        looks = _POSTGRESQL
    return [*found, *(look(connection) for look in looks), *_runs(connection)]


def _remedy(error: StoreError, engine: Engine) -> str:
    """Say what to do about a database that cannot be looked at."""
    if isinstance(error, StoreFull):
        return "see the message" if engines.is_postgresql(engine) else "free some space on the disk of the database"
    if isinstance(error, StoreBusy) or error.__cause__ is None:  # which says what to do
        return "see the message"
    if engines.is_postgresql(engine):
        return "check the URL, the server and the login"
    return (
        "check the name of the file and who may read and write it and its folder; restore a damaged one from a backup"
    )


def _absent(path: Path) -> Finding:
    """Judge a SQLite file that the first use will make."""
    folder = path.parent
    if not folder.is_dir():
        return _problem("database", f"the folder {folder} does not exist", f"make it: mkdir -p {quote(str(folder))}")
    if not os.access(folder, os.W_OK | os.X_OK):
        return _problem("database", f"nothing can be made in the folder {folder}", "let this user write there")
    return _problem("database", f"{path} does not exist", f"check its name; if it is right, {_UPGRADE}")


def _schema(connection: Connection) -> Finding:
    try:
        schema.check(connection)
    except StoreError as error:
        if type(error) not in _SCHEMA_REMEDIES:  # nothing is the matter with the tables
            raise
        return _problem("schema", str(error), _SCHEMA_REMEDIES[type(error)])
    if lacking := schema.missing(connection):
        return _problem("schema", f"revision {schema.HEAD}, and it lacks {', '.join(lacking)}", schema.RESTORE)
    return _fine("schema", f"revision {schema.HEAD}, as this program needs")


def _sqlite_schema(connection: Connection) -> Finding:
    """Judge the tables as the first use would, which makes and upgrades them."""
    found = _schema(connection)
    if found.remedy != _UPGRADE:
        return found
    revision = schema.current(connection)
    if revision is None:
        return _problem("schema", "no tables", f"check the name of the file; if it is right, {_UPGRADE}")
    return _fine("schema", f"revision {revision}; the first use upgrades it to {schema.HEAD}")


def _runs(connection: Connection) -> list[Finding]:
    """Name the runs whose rows cannot be read, among the newest; tables that are not ours are not read."""
    if _schema(connection).verdict is not Verdict.FINE:
        return []
    remedy = (
        "mend its row in core_workflow_runs or core_workflow_definitions, or restore it from a backup; "
        "until then the run is neither listed nor resumed"
    )
    found = runs.select_summaries(connection, RunFilter(limit=RUNS_LOOKED_AT))
    return [_problem("run", f"{run.run_id}: {run.error}", remedy) for run in found.damaged] or [
        _fine("runs", f"the rows of the newest {len(found):,} can be read")
    ]


def _clock(connection: Connection) -> Finding:
    theirs = connection.execute(select(now())).scalar_one()
    apart = abs(theirs - clock.now())
    seen = f"{apart.total_seconds():.1f} s apart from this machine's"
    if apart < FURTHEST_CLOCK:
        return _fine("clock", seen)
    return _advice("clock", seen, "leases use the database's clock alone; set this machine's for logs that make sense")


def _sqlite_version(_connection: Connection) -> Finding:
    seen = f"SQLite {sqlite3.sqlite_version}"
    if sqlite3.sqlite_version_info >= OLDEST_SQLITE:
        return _fine("version", seen)
    return _problem("version", seen, "use a Python with SQLite 3.35 or newer")


def _sqlite_durability(connection: Connection) -> Finding:
    journal = connection.execute(text("PRAGMA journal_mode")).scalar_one()
    synchronous = connection.execute(text("PRAGMA synchronous")).scalar_one()
    seen = f"journal_mode={journal} synchronous={synchronous}"
    if (journal, synchronous) == ("wal", 2):
        return _fine("durability", seen)
    if schema.current(connection) is None:
        return _fine("durability", f"{seen}; the write-ahead log comes with the tables")
    return _problem("durability", seen, "keep the file on a local disk: a network share cannot hold a write-ahead log")


def _sqlite_integrity(connection: Connection) -> Finding:
    seen = str(connection.execute(text("PRAGMA quick_check(1)")).scalar_one())
    return _fine("integrity", seen) if seen == "ok" else _problem("integrity", seen, "restore the file from a backup")


def _sqlite_permissions(connection: Connection) -> Finding:
    path = Path(str(connection.engine.url.database))
    mode = stat.S_IMODE(path.stat().st_mode)
    seen = f"{path} has mode {mode:04o}"
    remedy = f"chmod o-rwx {quote(str(path))}*"  # with the files that SQLite keeps beside it
    if mode & stat.S_IWOTH:
        return _problem("permissions", seen, f"everybody may write it: {remedy}")
    if mode & stat.S_IROTH:
        return _advice("permissions", seen, f"everybody may read params and outputs: {remedy}")
    return _fine("permissions", seen)


def _sqlite_room(connection: Connection) -> Finding:
    folder = Path(str(connection.engine.url.database)).resolve().parent  # where a link leads
    free = shutil.disk_usage(folder).free
    seen = f"{free / 1e6:,.0f} MB free in {folder}"
    if free >= LEAST_ROOM:
        return _fine("disk", seen)
    return _problem(
        "disk", seen, f"free space there until {LEAST_ROOM / 1e6:,.0f} MB are free: with less, steps may not be saved"
    )


def _postgresql_version(connection: Connection) -> Finding:
    number = int(connection.execute(text("SHOW server_version_num")).scalar_one())
    seen = f"PostgreSQL {number // 10000}.{number % 10000}"
    if number >= OLDEST_POSTGRESQL:
        return _fine("version", seen)
    return _problem("version", seen, "use PostgreSQL 12 or newer")


def _postgresql_durability(connection: Connection) -> Finding:
    settings = {name: _setting(connection, name) for name in ("fsync", "synchronous_commit", "full_page_writes")}
    seen = " ".join(f"{name}={value}" for name, value in settings.items())
    if "off" in settings.values():
        return _problem("durability", seen, "turn them on: a committed step could be lost with the machine")
    return _fine("durability", seen)


def _postgresql_writes(connection: Connection) -> Finding:
    if connection.execute(text("SELECT pg_is_in_recovery()")).scalar_one():
        remedy = (
            "runs can be read here; to drive them name the primary, or all servers and target_session_attrs=read-write"
        )
        return _advice("writes", "none: this is a standby", remedy)
    if _setting(connection, "transaction_read_only") == "on":
        remedy = "runs can be read; to drive them turn default_transaction_read_only off for this role and database"
        return _advice("writes", "none: transactions are read-only", remedy)
    if names := _awaited_in_vain(connection):
        remedy = "start the standby that is named there, or take it out and reload: until then no step can be saved"
        return _problem("writes", f"none: commits wait for a standby of synchronous_standby_names={names}", remedy)
    return _fine("writes", "taken")


def _awaited_in_vain(connection: Connection) -> str:
    """Name the standbys that commits wait for, if none is there or one commit waits for long; as far as may be seen."""
    waiting = text(
        "SELECT current_setting('synchronous_standby_names') "
        "WHERE current_setting('synchronous_commit') NOT IN ('off', 'local') AND (NOT EXISTS ("
        "SELECT FROM pg_stat_replication WHERE sync_state IS NULL OR sync_state IN ('sync', 'quorum')) OR EXISTS ("
        "SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND now() - query_start > :long * interval '1 s'))"
    )
    return connection.execute(waiting, {"long": LONGEST_COMMIT}).scalar() or ""


def _postgresql_timeouts(connection: Connection) -> Finding:
    settings = {name: _setting(connection, name) for name in ("statement_timeout", "lock_timeout")}
    seen = " ".join(f"{name}={value}" for name, value in settings.items())
    driver: Any = connection.connection.driver_connection
    longest = connection.execute(text("SELECT extract(epoch FROM current_setting('statement_timeout')::interval)"))
    if driver.answer_seconds <= float(longest.scalar_one()):
        seen = f"{seen} answer_timeout={driver.answer_seconds:g}s"
        return _advice("timeouts", seen, "let answer_timeout in the URL be longer than statement_timeout")
    if "0" not in settings.values():
        return _fine("timeouts", seen)
    role = connection.execute(text("SELECT quote_ident(current_user)")).scalar_one()
    return _advice(
        "timeouts",
        seen,
        "behind a transaction pooler the role must carry them: "
        f"ALTER ROLE {role} SET statement_timeout = '{timeouts.STATEMENT_SECONDS}s'; "
        f"ALTER ROLE {role} SET lock_timeout = '{timeouts.LOCK_SECONDS}s'",
    )


def _postgresql_transport(connection: Connection) -> Finding:
    encrypted = connection.execute(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")).scalar()
    if encrypted:
        return _fine("transport", "encrypted with TLS")
    if _is_here(connection.engine.url.host):
        return _fine("transport", "not encrypted, on this machine")
    return _advice("transport", "not encrypted, to another machine", "add ?sslmode=require, or verify-full, to the URL")


def _is_here(host: str | None) -> bool:
    if not host or host.startswith("/") or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _setting(connection: Connection, name: str) -> str:
    return str(connection.execute(select(text("current_setting(:name)")).params(name=name)).scalar_one())


def _fine(subject: str, seen: str) -> Finding:
    return Finding(subject=subject, verdict=Verdict.FINE, seen=seen)


def _advice(subject: str, seen: str, remedy: str) -> Finding:
    return Finding(subject=subject, verdict=Verdict.ADVICE, seen=seen, remedy=remedy)


def _problem(subject: str, seen: str, remedy: str) -> Finding:
    return Finding(subject=subject, verdict=Verdict.PROBLEM, seen=seen, remedy=remedy)


_SQLITE: tuple[_Look, ...] = (
    _sqlite_schema,
    _clock,
    _sqlite_version,
    _sqlite_durability,
    _sqlite_integrity,
    _sqlite_permissions,
    _sqlite_room,
)
_POSTGRESQL: tuple[_Look, ...] = (
    _schema,
    _clock,
    _postgresql_version,
    _postgresql_durability,
    _postgresql_writes,
    _postgresql_timeouts,
    _postgresql_transport,
)
