"""`Lease`: who drives a run, and until when."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to drive one run; `fence` grows by one with each taking, and every write names it.

    `holder` is for people (`user@host/pid`) and decides nothing.
    """

    run_id: str
    holder: str
    fence: int
    acquired_at: datetime
    expires_at: datetime
