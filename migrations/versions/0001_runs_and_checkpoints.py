"""Runs and checkpoints."""

import sqlalchemy as sa
from alembic import op

from spine.stores.sql.dialect import JsonText, UtcTime, now

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_workflow_runs",
        sa.Column("run_id", sa.String(36), primary_key=True),
        sa.Column("workflow_name", sa.String(100), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("params", JsonText, nullable=False),
        sa.Column("partition", JsonText, nullable=False),
        sa.Column("definition", JsonText, nullable=False),
        sa.Column("current_step", sa.String(100)),
        sa.Column("error_step", sa.String(100)),
        sa.Column("error", sa.Text),
        sa.Column("error_type", sa.String(200)),
        sa.Column("error_category", sa.String(20)),
        sa.Column("holder", sa.String(200)),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("acquired_at", UtcTime),
        sa.Column("expires_at", UtcTime),
        sa.Column("resume_point", JsonText),
        sa.Column("parent_run_id", sa.String(36)),
        sa.Column("created_at", UtcTime, nullable=False, server_default=now()),
        sa.Column("started_at", UtcTime),
        sa.Column("finished_at", UtcTime),
        sa.Column("updated_at", UtcTime, nullable=False, server_default=now()),
        sa.Column("removed_at", UtcTime),
        sa.Column("removed_because", sa.String(20)),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_index("core_workflow_runs_by_creation", "core_workflow_runs", ["created_at"])
    op.create_index("core_workflow_runs_by_workflow", "core_workflow_runs", ["workflow_name", "created_at"])
    op.create_index("core_workflow_runs_by_status", "core_workflow_runs", ["status", "created_at"])
    op.create_index("core_workflow_runs_by_end", "core_workflow_runs", ["finished_at"])
    op.create_table(
        "core_workflow_checkpoints",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.Identity(), primary_key=True),
        sa.Column("run_id", sa.String(36), nullable=False),
        sa.Column("step_name", sa.String(100), nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("next_step", sa.String(100)),
        sa.Column("context_snapshot", JsonText, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("metadata", JsonText, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False, server_default=now()),
        sa.Column("updated_at", UtcTime, nullable=False, server_default=now()),
        sa.UniqueConstraint("run_id", "step_name", name="unique_run_step"),
    )


def downgrade() -> None:
    op.drop_table("core_workflow_checkpoints")
    op.drop_table("core_workflow_runs")
