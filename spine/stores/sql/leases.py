"""The lease columns of the table of runs: how a lease is taken, without doubt who has it, and renewed."""

from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import Connection, Engine, and_, select, text, tuple_, update

from spine.errors import StoreError
from spine.records.lease import Lease
from spine.records.run import RunStatus
from spine.stores.sql import engine as engines
from spine.stores.sql.dialect import seconds_from_now
from spine.stores.sql.driver_errors import is_passing
from spine.stores.sql.reconnecting import try_again
from spine.stores.sql.tables import runs

# Their successors, pg_current_xact_id and pg_xact_status, are not in PostgreSQL 12.
_THIS_TRANSACTION = text("SELECT txid_current()")
# NULL for a number that a server which crashed has forgotten, and given out again to this transaction or to none yet.
_STATUS = text("SELECT CASE WHEN :transaction < txid_current() THEN txid_status(:transaction) END")


def take(engine: Engine, write: Callable[[Connection], Lease | None], *, reconnect_seconds: float) -> Lease | None:
    """Write that a lease is taken, and commit; None if there was none to take.

    A lease whose taker heard no answer would keep the run from everybody until it has run out.
    """
    lease = transaction = None

    def act(connection: Connection) -> None:
        nonlocal lease, transaction
        lease = write(connection)
        if lease is not None and engines.is_postgresql(engine):
            transaction = connection.execute(_THIS_TRANSACTION).scalar_one()

    try:
        engines.write(engine, act)
    except StoreError as error:
        if lease is None or transaction is None or not is_passing(error):
            raise
        if not try_again(engine, error, partial(_is_held, engine, lease, transaction), seconds=reconnect_seconds):
            raise
    return lease


def _is_held(engine: Engine, lease: Lease, transaction: int) -> bool | None:
    """Tell whether a lease was taken and is still held; None while its transaction is at work over there.

    That it has ended is all that is believed of a transaction: a server that crashes gives its number to another. And
    another driver may have the fence that one had whose taking was lost, but not the moment of it too.
    """
    ours = select(runs.c.run_id).where(
        runs.c.run_id == lease.run_id,
        runs.c.fence == lease.fence,
        runs.c.holder == lease.holder,
        runs.c.acquired_at == lease.acquired_at,
        runs.c.status == RunStatus.RUNNING,
    )
    with engines.writing(engine) as connection:  # where each statement sees what was committed before it
        if connection.execute(_STATUS, {"transaction": transaction}).scalar_one() == "in progress":
            return None
        return connection.execute(ours).first() is not None


def renew(connection: Connection, leases: Sequence[Lease], lease_seconds: float) -> set[str]:
    """Renew the leases that still have their fence, and tell which; nothing else of the row changes."""
    theirs = [(lease.run_id, lease.fence, lease.acquired_at) for lease in leases]
    ours = and_(
        tuple_(runs.c.run_id, runs.c.fence, runs.c.acquired_at).in_(theirs),
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
