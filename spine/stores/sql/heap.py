"""`keep_freed`: memory for large values is kept for the next one, not fetched from the system each time."""

from contextlib import suppress
from functools import cache

LARGE = 2**19  # bytes; measured: nothing is gained below
_SMALLEST, _HEEDED = 2**22, 2**25 - 2**16  # bytes: of what is freed glibc heeds pieces up to 32 MiB


def keep_freed(size: int) -> None:
    """Have glibc keep what copies of a value of so many bytes leave; where there is another C library, nothing changes.

    A large value is copied for the driver, by it and by SQLite. Left to itself glibc fetches the memory of all these
    from the system and gives it back, each time: of a step with 10 MB that took a fifth, and 2 ms of the step after.
    It keeps twice the largest piece that it ever saw freed (for each of its arenas, which threads share), so it is
    shown one of 1.5 to 3 times the size, or 4 MiB, which nobody writes to (mallopt(3): `M_MMAP_THRESHOLD`).
    """
    _show(size.bit_length())


@cache
def _show(bits: int) -> None:
    with suppress(MemoryError):  # where little is left, nothing is worth keeping
        bytes(min(max(3 << bits >> 1, _SMALLEST), _HEEDED))
