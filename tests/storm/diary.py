"""The diary: what steps and workers really did, each line on disk before they go on; it knows nothing of Spine."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line. `at` is the machine's monotonic clock in seconds; `attempt` names one drive of one process."""

    what: str
    at: float
    pid: int
    attempt: str = ""
    step: str = ""
    outcome: str = ""
    seen: str = ""
    run_id: str = ""
    text: str = ""
    error_type: str = ""
    seconds: float = 0.0


def note(path: Path, what: str, **fields: Any) -> None:
    """Add one line and wait until it is on disk."""
    line = json.dumps({"what": what, "at": time.monotonic(), "pid": os.getpid(), **fields}) + "\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def entries(path: Path) -> list[Entry]:
    """Read all lines; none if nobody has written yet."""
    return list(_entries(path)) if path.exists() else []


def _entries(path: Path) -> Iterator[Entry]:
    for line in path.read_text().splitlines():
        yield Entry(**json.loads(line))
