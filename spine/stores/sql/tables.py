"""The schema, said once."""

from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)

from spine.stores.sql.dialect import POSTGRESQL, JsonText, UtcTime, now

metadata = MetaData()

SCHEMA_TABLE = "core_workflow_schema"
CONTEXTS_VIEW = "core_workflow_contexts"
RUN_ID = String(36)
NAME = String(100)

runs = Table(
    "core_workflow_runs",
    metadata,
    Column("run_id", RUN_ID, primary_key=True),
    Column("workflow_name", NAME, nullable=False),
    Column("status", String(20), nullable=False),
    Column("params", JsonText, nullable=False),
    Column("partition", JsonText, nullable=False),
    Column("current_step", NAME),
    Column("error_step", NAME),
    Column("error", Text),
    Column("error_type", String(200)),
    Column("error_category", String(20)),
    Column("holder", String(200)),
    Column("fence", BigInteger, nullable=False),
    Column("acquired_at", UtcTime),
    Column("expires_at", UtcTime),
    Column("resume_point", JsonText),
    Column("parent_run_id", RUN_ID),
    Column("created_at", UtcTime, nullable=False, server_default=now()),
    Column("started_at", UtcTime),
    Column("finished_at", UtcTime),
    Column("updated_at", UtcTime, nullable=False, server_default=now()),
    Column("removed_at", UtcTime),
    Column("removed_because", String(20)),
    Column("overrides", JsonText),
    Index("core_workflow_runs_by_creation", "created_at"),
    Index("core_workflow_runs_by_workflow", "workflow_name", "created_at"),
    Index("core_workflow_runs_by_status", "status", "created_at"),
    Index("core_workflow_runs_by_end", "finished_at"),
)
# Room beside each row, so that a step rewrites it where it is. Said as an option of the table, it would import all of
# the dialect, also for SQLite.
_ROOM: Any = DDL("ALTER TABLE core_workflow_runs SET (fillfactor = 50)")  # type: ignore[no-untyped-call]
event.listen(runs, "after_create", _ROOM.execute_if(dialect=POSTGRESQL))

# Apart from the row that every step rewrites: a list of a thousand steps is long, and stays as it is.
definitions = Table(
    "core_workflow_definitions",
    metadata,
    Column("run_id", RUN_ID, primary_key=True),
    Column("definition", JsonText, nullable=False),
)

events = Table(
    "core_workflow_events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), Identity(), primary_key=True),
    Column("run_id", RUN_ID, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("step_name", NAME),
    Column("actor", String(200)),
    Column("reason", Text),
    Column("details", JsonText, nullable=False),
    Column("created_at", UtcTime, nullable=False, server_default=now()),
    Index("core_workflow_events_by_run", "run_id", "id"),
)

checkpoints = Table(
    "core_workflow_checkpoints",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), Identity(), primary_key=True),
    Column("run_id", RUN_ID, nullable=False),
    Column("step_name", NAME, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("next_step", NAME),
    Column("context_snapshot", JsonText, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("metadata", JsonText, nullable=False),
    Column("created_at", UtcTime, nullable=False, server_default=now()),
    Column("updated_at", UtcTime, nullable=False, server_default=now()),
    Column("base_sequence", BigInteger),
    UniqueConstraint("run_id", "step_name", name="unique_run_step"),
)
