"""Checkpoints that hold what their step changed, a view of whole contexts, definitions, and the overrides of a run."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from spine.stores.sql.dialect import JsonText

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The rows that add up to the context of row c: from the last whole one to itself.
_CHAIN = """
    SELECT b.sequence AS sequence, b.context_snapshot AS snapshot
    FROM core_workflow_checkpoints AS b
    WHERE b.run_id = c.run_id AND b.sequence <= c.sequence AND b.sequence >= (
        SELECT max(w.sequence) FROM core_workflow_checkpoints AS w
        WHERE w.run_id = c.run_id AND w.sequence <= c.sequence AND w.base_sequence IS NULL
    )
"""

_ADDED_UP = {
    "postgresql": """
        SELECT c.context_snapshot || jsonb_build_object(
            'params', {params}, 'partition', {partition}, 'outputs', {outputs}, 'quality_metrics', {quality_metrics}
        )
    """,
    "sqlite": """
        SELECT json_set(
            c.context_snapshot, '$.params', json({params}), '$.partition', json({partition}),
            '$.outputs', json({outputs}), '$.quality_metrics', json({quality_metrics})
        )
    """,
}
_NEWEST = {
    "postgresql": """(
        SELECT snapshot -> '{name}' FROM chain WHERE jsonb_exists(snapshot, '{name}') ORDER BY sequence DESC LIMIT 1
    )""",
    "sqlite": """(
        SELECT json_extract(snapshot, '$.{name}') FROM chain WHERE json_type(snapshot, '$.{name}') IS NOT NULL
        ORDER BY sequence DESC LIMIT 1
    )""",
}
_ENTRIES = {
    "postgresql": """(
        SELECT coalesce(jsonb_object_agg(key, value ORDER BY sequence), jsonb_build_object())
        FROM chain, jsonb_each(snapshot -> '{name}') WHERE key <> '$order'
    )""",
    "sqlite": """(
        SELECT json_group_object(key, json(value)) FROM (
            SELECT key, value, max(sequence) FROM (
                SELECT each.key AS key, chain.sequence AS sequence, CASE
                    WHEN each.type IN ('object', 'array') THEN each.value
                    WHEN each.type IN ('true', 'false') THEN each.type
                    ELSE json_quote(each.value) END AS value
                FROM chain, json_each(chain.snapshot, '$.{name}') AS each WHERE each.key <> '$order'
            ) GROUP BY key
        )
    )""",
}


def upgrade() -> None:
    op.add_column("core_workflow_checkpoints", sa.Column("base_sequence", sa.BigInteger))
    op.add_column("core_workflow_runs", sa.Column("overrides", JsonText))
    op.create_table(
        "core_workflow_definitions",
        sa.Column("run_id", sa.String(36), primary_key=True),
        sa.Column("definition", JsonText, nullable=False),
    )
    op.execute("INSERT INTO core_workflow_definitions SELECT run_id, definition FROM core_workflow_runs")
    op.drop_column("core_workflow_runs", "definition")
    op.execute(sa.text(_view(op.get_bind().dialect.name).replace(":", r"\:")))


def downgrade() -> None:
    _write_whole(op.get_bind())
    op.execute("DROP VIEW core_workflow_contexts")
    op.add_column("core_workflow_runs", sa.Column("definition", JsonText))
    op.execute(
        "UPDATE core_workflow_runs SET definition = "
        "(SELECT d.definition FROM core_workflow_definitions AS d WHERE d.run_id = core_workflow_runs.run_id)"
    )
    with op.batch_alter_table("core_workflow_runs") as runs:
        runs.alter_column("definition", existing_type=JsonText, nullable=False)
    op.drop_table("core_workflow_definitions")
    op.drop_column("core_workflow_runs", "overrides")
    op.drop_column("core_workflow_checkpoints", "base_sequence")


def _view(dialect: str) -> str:
    newest = {name: _NEWEST[dialect].format(name=name) for name in ("params", "partition")}
    entries = {name: _ENTRIES[dialect].format(name=name) for name in ("outputs", "quality_metrics")}
    added_up = _ADDED_UP[dialect].format(**newest, **entries)
    return f"""
        CREATE VIEW core_workflow_contexts AS
        SELECT c.run_id, c.step_name, c.sequence,
            CASE WHEN c.base_sequence IS NULL THEN c.context_snapshot
            ELSE (WITH chain AS ({_CHAIN}) {added_up}) END AS context
        FROM core_workflow_checkpoints AS c
    """  # noqa: S608  # all of it is written above


def _write_whole(connection: sa.Connection) -> None:
    """Give every row its whole context, which is all that the schema before can say."""
    rows = sa.table(
        "core_workflow_checkpoints",
        sa.column("id"),
        sa.column("run_id"),
        sa.column("sequence"),
        sa.column("base_sequence"),
        sa.column("context_snapshot", JsonText),
    )
    run_ids = connection.execute(sa.select(rows.c.run_id).where(rows.c.base_sequence.is_not(None)).distinct())
    for run_id in run_ids.scalars().all():
        whole: dict[str, Any] = {}
        for row in connection.execute(sa.select(rows).where(rows.c.run_id == run_id).order_by(rows.c.sequence)).all():
            document = json.loads(row.context_snapshot)
            whole = document if row.base_sequence is None else _added(whole, document)
            text = json.dumps(whole, ensure_ascii=False)
            connection.execute(sa.update(rows).where(rows.c.id == row.id).values(context_snapshot=text))


def _added(whole: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    by_step = {
        name: _in_order({**_ordered(whole[name]), **_ordered(change.get(name, {}))})
        for name in ("outputs", "quality_metrics")
    }
    whole = {name: value for name, value in whole.items() if name != "defaulted"}
    return {**whole, **change, **by_step}


def _ordered(entries: dict[str, Any]) -> dict[str, Any]:
    names = (entries.get("$order") or [list(entries)])[0]
    return {name: entries[name] for name in names}


def _in_order(entries: dict[str, Any]) -> dict[str, Any]:
    return {"$order": [list(entries)], **entries} if entries else {}
