"""Events."""

import sqlalchemy as sa
from alembic import op

from spine.stores.sql.dialect import JsonText, UtcTime, now

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "core_workflow_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.Identity(), primary_key=True),
        sa.Column("run_id", sa.String(36), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("step_name", sa.String(100)),
        sa.Column("actor", sa.String(200)),
        sa.Column("reason", sa.Text),
        sa.Column("details", JsonText, nullable=False),
        sa.Column("created_at", UtcTime, nullable=False, server_default=now()),
    )
    op.create_index("core_workflow_events_by_run", "core_workflow_events", ["run_id", "id"])


def downgrade() -> None:
    op.drop_table("core_workflow_events")
