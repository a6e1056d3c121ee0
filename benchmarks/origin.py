"""What a measure was taken with: when, of which commit, and the versions of everything that took part."""

import os
import platform
import sqlite3
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime

import psycopg

from benchmarks import peers
from benchmarks.contender import POSTGRESQL, SQLITE
from benchmarks.lane import TOP

Origin = Mapping[str, str]


def origin_of(measure: str, server_url: str) -> Origin:
    """Tell what this measure is taken with here and now; no machine is named."""
    with psycopg.connect(server_url) as connection:
        major, minor = divmod(connection.info.server_version, 10000)
    told = {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _commit(),
        "cores": str(os.cpu_count()),
        "system": platform.system(),
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "PostgreSQL": f"{major}.{minor}",
    }
    if measure == "peers":
        found = {**peers.installed(POSTGRESQL), **peers.installed(SQLITE)}
        told |= {peers.title(name): peers.version(name, python) for name, python in sorted(found.items())}
    return {name: value for name, value in told.items() if value}


def _commit() -> str:
    """Give the commit that was measured; nothing where there is no git."""
    try:
        command = ["git", "rev-parse", "--short", "HEAD"]
        return subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""
