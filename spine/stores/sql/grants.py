"""Takes a lease in one transaction; what became of it is found out where the answer to the COMMIT was lost."""

from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection, Engine, select, text

from spine.errors import StoreError
from spine.records.lease import Lease
from spine.records.run import RunStatus
from spine.stores.sql import engine as engines
from spine.stores.sql.driver_errors import is_passing
from spine.stores.sql.reconnecting import try_again
from spine.stores.sql.tables import runs

# Their successors, pg_current_xact_id and pg_xact_status, are not in PostgreSQL 12.
_THIS_TRANSACTION = text("SELECT txid_current()")
_STATUS = text("SELECT txid_status(:transaction)")


def grant(engine: Engine, take: Callable[[Connection], Lease | None], *, reconnect_seconds: float) -> Lease | None:
    """Take a lease and commit; None if there was none to take.

    A lease whose taker heard no answer would keep the run from everybody until it has run out.
    """
    lease = transaction = None
    try:
        with engines.writing(engine) as connection:
            lease = take(connection)
            if lease is not None and engines.is_postgresql(engine):
                transaction = connection.execute(_THIS_TRANSACTION).scalar_one()
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
