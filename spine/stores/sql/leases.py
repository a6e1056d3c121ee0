"""The lease columns of the table of runs."""

from collections.abc import Sequence

from sqlalchemy import Connection, and_, select, tuple_, update

from spine.records.lease import Lease
from spine.records.run import RunStatus
from spine.stores.sql.dialect import seconds_from_now
from spine.stores.sql.tables import runs


def renew(connection: Connection, leases: Sequence[Lease], lease_seconds: float) -> set[str]:
    """Renew the leases that still have their fence, and tell which; nothing else of the row changes."""
    ours = and_(
        tuple_(runs.c.run_id, runs.c.fence).in_([(lease.run_id, lease.fence) for lease in leases]),
        runs.c.status == RunStatus.RUNNING,
    )
    free = select(runs.c.run_id).where(ours).with_for_update(skip_locked=True).cte("free")
    held = connection.execute(
        update(runs)
        .where(runs.c.run_id.in_(select(free.c.run_id)), ours)
        .values(expires_at=seconds_from_now(lease_seconds))
        .returning(runs.c.run_id)
    )
    return set(held.scalars())
