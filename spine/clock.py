"""The only time and the only chance in Spine."""

import time
import uuid
from datetime import UTC, datetime
from functools import partial


def now() -> datetime:
    """Tell the time of this machine, in UTC."""
    return datetime.now(UTC)


# Seconds from an unknown start, never backwards: for durations.
stopwatch = time.perf_counter

# Waits for so many seconds.
sleep = time.sleep

# Seconds from an unknown start as the world outside counts them: also those this process, or machine, slept.
_BOOT = getattr(time, "CLOCK_BOOTTIME", None)  # Linux has it
uptime = time.monotonic if _BOOT is None else partial(time.clock_gettime, _BOOT)


def new_run_id() -> str:
    """Make the id of a new run: 36 characters, unique without asking anybody."""
    return str(uuid.uuid4())
