"""How often a step asks the database and waits, commits, and makes the disk write."""

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from benchmarks.contender import POSTGRESQL, SQLITE
from benchmarks.lane import lane
from benchmarks.measure import OURS, Plan
from benchmarks.row import Row
from benchmarks.wire import wired
from benchmarks.work import Order

TITLE = "Round trips, commits and fsyncs"
FEW, MANY = 50, 150
FSYNCS = re.compile(r"^\s*\S+\s+\S+\s+\S+\s+(\d+).*\b(?:fsync|fdatasync)$", re.MULTILINE)


def measure(plan: Plan) -> Iterator[Row]:
    """Count what a run of 150 steps needs, and one of 50: the difference is what 100 steps need."""
    for who in OURS:
        if POSTGRESQL in plan.kinds:
            yield from _on_the_wire(plan, who)
        if SQLITE in plan.kinds:
            yield _to_the_disk(plan, who)


def _on_the_wire(plan: Plan, who: str) -> Iterator[Row]:
    with plan.place.database(POSTGRESQL) as url, wired(url) as (wire, through), lane(who, through) as running:
        running.drive(Order(run="warm", steps=FEW))
        trips = {steps: _counted(running.drive, steps, lambda: wire.trips) for steps in (FEW, MANY)}
        commits = {steps: _counted(running.drive, steps, lambda: _written(url)) for steps in (FEW + 1, MANY + 1)}
    once = 1.05 if who == "spine" else None
    yield Row(
        what="round trips of a step",
        who=who,
        where=POSTGRESQL,
        value=(trips[MANY] - trips[FEW]) / (MANY - FEW),
        unit="",
        target=once,
        note=f"{trips[FEW]:.0f} for a run of {FEW}, {trips[MANY]:.0f} for a run of {MANY}",
    )
    yield Row(
        what="commits of a step",
        who=who,
        where=POSTGRESQL,
        value=(commits[MANY + 1] - commits[FEW + 1]) / (MANY - FEW),
        unit="",
        target=once,
    )
    yield Row(
        what=f"commits of a run of {MANY + 1} besides one a step",
        who=who,
        where=POSTGRESQL,
        value=commits[MANY + 1] - (MANY + 1),
        unit="",
        target=1 if who == "spine" else None,
    )


def _counted(drive: Callable[[Order], object], steps: int, count: Callable[[], int]) -> int:
    before = count()
    drive(Order(run=f"{count.__name__}{steps}", steps=steps))
    return count() - before


def _written(url: str) -> int:
    """Count the transactions so far that wrote something: only they get a number, and wait for the disk."""
    with psycopg.connect(url) as connection:
        return int(connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text").fetchall()[0][0])


def _to_the_disk(plan: Plan, who: str) -> Row:
    what, fsync = "fsyncs of a step", shutil.which("strace")
    if fsync is None:
        return Row(what=what, who=who, where=SQLITE, value=float("nan"), unit="", note="not measured: no strace here")
    few, many = (_fsyncs(plan, who, fsync, steps) for steps in (FEW, MANY))
    target = 1.05 if who == "spine" else None
    return Row(
        what=what,
        who=who,
        where=SQLITE,
        value=(many - few) / (MANY - FEW),
        unit="",
        target=target,
        note=f"{few} for a run of {FEW}, {many} for a run of {MANY}, the making of the tables among them",
    )


def _fsyncs(plan: Plan, who: str, strace: str, steps: int) -> int:
    counts: Path = plan.place.folder / f"fsyncs-{who}-{steps}"
    watched_by = (strace, "-f", "-qq", "-c", "-e", "trace=fsync,fdatasync", "-o", str(counts))
    with plan.place.database(SQLITE) as url, lane(who, url, python=sys.executable, watched_by=watched_by) as running:
        running.drive(Order(run="counted", steps=steps))
    return sum(map(int, FSYNCS.findall(counts.read_text())))
