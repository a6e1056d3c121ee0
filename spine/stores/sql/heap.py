"""`keep_freed`: memory for large values is kept for the next one, not fetched from the system each time."""

from contextlib import suppress
from functools import cache

LARGE = 2**19  # bytes; measured: nothing is gained below
_HEEDED = 2**25 - 2**16  # bytes: of what is freed it heeds pieces up to 32 MiB


@cache
def keep_freed() -> None:
    """Have glibc keep up to 64 MiB of what this process frees; where there is another C library, nothing changes.

    A large value is copied for the driver, by it and by SQLite. Left to itself glibc fetches the memory of all these
    from the system and gives it back, each time: of a step with 10 MB that took a fifth, and 2 ms of the step after.
    It keeps twice the largest piece that it ever saw freed, so it is shown one, which nobody writes to (mallopt(3):
    `M_MMAP_THRESHOLD`).
    """
    with suppress(MemoryError):  # where little is left, nothing is worth keeping
        bytes(_HEEDED)
