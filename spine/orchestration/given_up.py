"""`GivenUp`: the leases of drives that ended here without ending their runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from spine.errors import LeaseLost
from spine.records.lease import Lease
from spine.records.run import ClaimableRun
from spine.stores.protocol import Store


class GivenUp:
    """Remembers which leases nobody uses any more, as when the database was gone for too long."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._leases: dict[str, Lease] = {}

    @contextmanager
    def noting(self, lease: Lease) -> Iterator[None]:
        """Note the lease if what is inside ends with an error, and not because somebody else has it."""
        try:
            yield
        except LeaseLost:
            raise
        except BaseException:
            self._leases[lease.run_id] = lease
            raise

    def let_go(self, run: ClaimableRun) -> ClaimableRun:
        """End a lease that was given up here and still runs, and give the run as it is then.

        Only the one that is known here: what its driver may have sent last is refused by the next fence.
        """
        lease = self._leases.get(run.run_id)
        if lease is not None and run.lease is not None and run.lease.is_same_as(lease):
            self._store.renew_leases([lease], lease_seconds=0)
            run = self._store.get_claimable(run.run_id)
        self._leases.pop(run.run_id, None)
        return run
