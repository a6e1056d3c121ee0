"""The disk under the databases: how fast it is now, and waiting until it is as fast as it can be.

Many disks are given so many writes a second by whoever shares them out, and are ten times slower for some seconds
after more than that.
"""

import os
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter, sleep

PROBES, BLOCK = 20, 4096
PAUSE_SECONDS = 1.0
AS_FAST = 2.0


class Disk:
    """Knows the fastest it has ever been."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "probe"
        self._file.write_bytes(bytes(PROBES * BLOCK))
        self._fastest = self.seconds()

    def seconds(self) -> float:
        """Give how long the disk takes to keep a block that is written over, at the median."""
        took = []
        file = os.open(self._file, os.O_WRONLY)
        try:
            for number in range(PROBES):
                start = perf_counter()
                os.pwrite(file, bytes([number]) * BLOCK, number * BLOCK)
                os.fsync(file)
                took.append(perf_counter() - start)
        finally:
            os.close(file)
        return median(took)

    def settle(self, *, at_most_seconds: float) -> None:
        """Wait until it is nearly as fast as ever, but not longer than that."""
        until = monotonic() + at_most_seconds
        while (now := self.seconds()) > AS_FAST * self._fastest and monotonic() < until:
            sleep(PAUSE_SECONDS)
        self._fastest = min(self._fastest, now)
