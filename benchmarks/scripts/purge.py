"""Purge everything that has ended, and print what it took as JSON: seconds, memory, the longest transaction."""

import json
import re
import sys
from pathlib import Path
from time import perf_counter

from benchmarks.listening import heard
from spine.orchestration import Registry, WorkflowRunner


class Transactions:
    """How long this process was inside a transaction of SQLite, at the longest."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._since = perf_counter()

    def note(self, statement: str) -> None:
        """Hear of a statement before it runs."""
        if statement.startswith("BEGIN"):
            self._since = perf_counter()
        if statement.startswith("COMMIT"):
            self.longest = max(self.longest, perf_counter() - self._since)


def purge(url: str) -> None:
    """Purge what ended more than a week ago."""
    transactions = Transactions()

    with heard(transactions.note), WorkflowRunner(url, registry=Registry()) as runner:
        runner.list_runs(limit=1)
        before, start = _peak_kib(), perf_counter()
        purged = runner.purge(days=7)
        told = {
            "runs": len(purged.runs),
            "seconds": perf_counter() - start,
            "grown_kib": _peak_kib() - before,
            "longest": transactions.longest,
        }
    print(json.dumps(told))


def _peak_kib() -> int:
    """Tell the most memory this process ever had; what getrusage tells may be that of the process it came from."""
    [peak] = re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(peak)


if __name__ == "__main__":
    purge(sys.argv[1])
