"""`Lease`: who drives a run, and until when."""

from dataclasses import dataclass
from datetime import datetime

from spine.errors import LeaseLost


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to drive one run; `fence` grows by one with each taking, and every write names it.

    A database that went back (a restored backup, a standby that lacked the taking) gives the same fence out again, so
    that a write also names the moment of the taking. `holder` is for people (`user@host/pid`) and decides nothing.
    """

    run_id: str
    holder: str
    fence: int
    acquired_at: datetime
    expires_at: datetime

    def is_same_as(self, other: "Lease") -> bool:
        """Tell whether it is the same taking, renewed or not."""
        return (self.run_id, self.fence, self.acquired_at) == (other.run_id, other.fence, other.acquired_at)


def lease_lost(lease: Lease, consequence: str) -> LeaseLost:
    """Make the error that tells a driver that its lease is gone, and what follows."""
    return LeaseLost(
        f"run {lease.run_id!r} is no longer driven by {lease.holder} (fence {lease.fence}): "
        f"it was taken over; {consequence}"
    )
