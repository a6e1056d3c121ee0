"""Takes a lease in one transaction; what became of it is found out where the answer to the COMMIT was lost."""

from collections.abc import Callable
from functools import partial

from sqlalchemy import Connection, Engine, text

from spine.errors import StoreError
from spine.records.lease import Lease
from spine.stores.sql import engine as engines
from spine.stores.sql.driver_errors import is_passing
from spine.stores.sql.reconnecting import try_again

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
        if transaction is None or not is_passing(error):
            raise
        if not try_again(engine, error, partial(_is_committed, engine, transaction), seconds=reconnect_seconds):
            raise
    return lease


def _is_committed(engine: Engine, transaction: int) -> bool | None:
    """Tell what became of a transaction; None while it is still at work over there."""
    with engines.reading(engine) as connection:
        status = connection.execute(_STATUS, {"transaction": transaction}).scalar_one()
    return None if status == "in progress" else bool(status == "committed")
