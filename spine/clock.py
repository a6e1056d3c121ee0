"""The only time and the only chance in Spine."""

import time
import uuid
from datetime import UTC, datetime

_UPTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # the first is Linux's, and goes on in suspension


def now() -> datetime:
    """Tell the time of this machine, in UTC."""
    return datetime.now(UTC)


def stopwatch() -> float:
    """Count seconds from an unknown start, never backwards: for durations."""
    return time.perf_counter()


def uptime() -> float:
    """Count seconds from an unknown start as the world outside does: also those this process, or machine, slept."""
    return time.clock_gettime(_UPTIME)


def new_run_id() -> str:
    """Make the id of a new run: 36 characters, unique without asking anybody."""
    return str(uuid.uuid4())
