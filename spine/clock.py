"""The only time and the only chance in Spine."""

import time
import uuid
from datetime import UTC, datetime


def now() -> datetime:
    """Tell the time of this machine, in UTC."""
    return datetime.now(UTC)


def stopwatch() -> float:
    """Count seconds from an unknown start, never backwards: for durations."""
    return time.perf_counter()


def new_run_id() -> str:
    """Make the id of a new run: 36 characters, unique without asking anybody."""
    return str(uuid.uuid4())
