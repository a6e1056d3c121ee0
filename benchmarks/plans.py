"""What a database did to answer: the plan of every statement that Spine sends."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.bulk import RUNS, connected
from benchmarks.listening import heard
from benchmarks.place import Place

_SETTINGS = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_verbose": "on",
}
_PLAN = re.compile(r"Query Text: (?P<text>.*?)(?=\n\S)", re.DOTALL)


@contextmanager
def explained(place: Place, url: str) -> Iterator[list[str]]:
    """Give a list that holds, after the block, the plans of what was asked by connections opened in it."""
    plans: list[str] = []
    if url.startswith("postgresql"):
        with connected(url) as connection:
            for name, value in _SETTINGS.items():
                connection.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET {name} = '{value}'")
        before = len(place.server.log.read_text())
        yield plans
        plans += [match["text"] for match in _PLAN.finditer(place.server.log.read_text()[before:])]
        return
    said: list[str] = []
    with heard(said.append):
        yield plans
    with connected(url) as file:
        plans += [_explain(file, statement) for statement in dict.fromkeys(said)]


def scans_of_runs(plans: list[str]) -> list[str]:
    """Give the plans that read every run."""
    scan = re.compile(rf"Seq Scan on (?:\w+\.)?{RUNS}|SCAN {RUNS}(?! USING)")
    return [plan for plan in plans if scan.search(plan)]


def reads_of_snapshots(plans: list[str]) -> list[str]:
    """Give the plans that read a snapshot."""
    return [plan for plan in plans if "context_snapshot" in plan]


def _explain(file: Any, statement: str) -> str:
    if not statement.startswith(("SELECT", "WITH", "UPDATE", "DELETE")):
        return statement
    steps = [detail for *_, detail in file.execute(f"EXPLAIN QUERY PLAN {statement}")]
    return "\n".join([statement, *steps])
