"""A database with 100,000 runs, and a run with 10,000 checkpoints."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from time import perf_counter
from typing import Any

from benchmarks import bulk, plans
from benchmarks.contender import POSTGRESQL
from benchmarks.contenders.spine import upgrade
from benchmarks.lane import TOP
from benchmarks.measure import Plan
from benchmarks.row import KIB, MILLI, Row, compare
from spine.orchestration import Registry, Step, Workflow, WorkflowRunner

TITLE = "A database of 100,000 runs; a run of 10,000 checkpoints"
FEW, MANY = 1_000, 100_000
LISTED = 100
PURGED_RUNS, PURGED_STEPS = 500, 100  # beside the many of one step
SHORT, LONG = 1_000, 10_000
# What is read is the same in both databases, so the time should be too; this much is for deeper indexes and noise.
SAME = 2.0
LONGEST_SECONDS, MOST_MIB = 1.0, 32.0
_LONGEST = """SELECT coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0)
    FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND backend_type = 'client backend'"""  # and not autovacuum, which follows a purge

Ask = Callable[[WorkflowRunner], Any]
Output = Callable[[Any, Any], dict[str, Any]]
READING: Mapping[str, Ask] = {
    "list the newest 100 runs": lambda runner: runner.list_runs(limit=LISTED),
    "list failed runs": lambda runner: runner.list_runs(status="failed"),
    "list crashed runs": lambda runner: runner.list_runs(status="crashed"),
    "list the runs of a workflow": lambda runner: runner.list_runs(workflow="work"),
    "show a run": lambda runner: runner.get_run("failed"),
    "list its checkpoints": lambda runner: runner.list_checkpoints("failed"),
    "resume a run": lambda runner: runner.resume("failed"),
}


def measure(plan: Plan) -> Iterator[Row]:
    """Ask the same of a small and of a large database, then purge the large one."""
    for kind in plan.kinds:
        with ExitStack() as opened:
            few, many = (opened.enter_context(plan.place.database(kind)) for _ in range(2))
            for url, number in ((few, FEW), (many, MANY)):
                _fill(url, number)
            yield from _asked(plan, kind, few, many)
            yield _explained(plan, kind, many)
            yield from _purged(kind, many)
            yield from _long_run(kind, few)


def _fill(url: str, number: int) -> None:
    upgrade(url)
    with WorkflowRunner(url, registry=Registry()) as runner:
        runner.execute(_workflow(1, "bulk"), run_id="done")
        for run_id in ("failed", "failed-too"):
            runner.execute(_workflow(10, "work", fails=True), run_id=run_id)
    bulk.copy_run(url, "done", number)
    with WorkflowRunner(url, registry=Registry()) as runner:
        if runner.list_runs(limit=LISTED).damaged:
            raise RuntimeError("the copies of a run cannot be read")


def _workflow(steps: int, name: str, *, fails: bool = False, output: Output | None = None) -> Workflow:
    last = Step.lambda_("last", _fail if fails else _output)
    return Workflow(name, [*(Step.lambda_(f"step{number}", output or _output) for number in range(1, steps)), last])


def _large_output(_ctx: Any, _config: Any) -> dict[str, Any]:
    return {"text": "0123456789abcdef" * 128}


def _output(_ctx: Any, _config: Any) -> dict[str, Any]:
    return {"text": "0123456789abcdef" * 5}


def _fail(_ctx: Any, _config: Any) -> dict[str, Any]:
    raise TimeoutError


def _runner(url: str) -> WorkflowRunner:
    runner = WorkflowRunner(url, registry=Registry())
    runner.register(_workflow(10, "work", fails=True))
    return runner


def _asked(plan: Plan, kind: str, few: str, many: str) -> Iterator[Row]:
    with _runner(few) as small, _runner(many) as large:
        for what, ask in READING.items():
            pairs = [(_timed(ask, small), _timed(ask, large)) for _ in range(plan.rounds(10))]
            at_few, at_many = zip(*pairs, strict=True)
            yield compare(
                at_many,
                at_few,
                what=what,
                who="spine",
                where=kind,
                unit="ms",
                target=SAME,
                note=f"of {MANY:,} runs, against {FEW:,}",
            )


def _timed(ask: Ask, runner: WorkflowRunner) -> float:
    start = perf_counter()
    ask(runner)
    return perf_counter() - start


def _explained(plan: Plan, kind: str, url: str) -> Row:
    """Look at the plan of every statement, in new connections; only showing and resuming may read a snapshot."""
    wrong: list[str] = []
    for what, ask in READING.items():
        with plans.explained(plan.place, url) as found, _runner(url) as runner:
            ask(runner)
        wrong += [f"{what}: reads all runs" for _ in plans.scans_of_runs(found)]
        if what.startswith("list"):
            wrong += [f"{what}: reads snapshots" for _ in plans.reads_of_snapshots(found)]
        if not found:
            wrong.append(f"{what}: no plan was seen")
    return Row(
        what="plans that read all runs, or snapshots for a list",
        who="spine",
        where=kind,
        value=len(wrong),
        unit="",
        target=0,
        note="; ".join(wrong),
    )


def _make_long_runs(url: str) -> None:
    with WorkflowRunner(url, registry=Registry()) as runner:
        runner.execute(_workflow(PURGED_STEPS, "long", output=_large_output), run_id="long")
    bulk.copy_run(url, "long", PURGED_RUNS)


def _purged(kind: str, url: str) -> Iterator[Row]:
    _make_long_runs(url)
    longest = _Longest(url)
    command = [sys.executable, "-m", "benchmarks.scripts.purge", url]
    with longest.watched():
        done = subprocess.run(command, cwd=TOP, check=True, stdout=subprocess.PIPE, text=True)
    told = json.loads(done.stdout)
    yield Row(
        what="longest transaction of a purge",
        who="spine",
        where=kind,
        value=longest.seconds if kind == POSTGRESQL else told["longest"],
        unit="s",
        target=LONGEST_SECONDS,
        note=f"{told['runs']:,} runs in {told['seconds']:.1f} s",
    )
    yield Row(
        what="memory of a purge",
        who="spine",
        where=kind,
        value=told["grown_kib"] / KIB,
        unit="MiB",
        target=MOST_MIB,
        note="at its peak, beyond that of a process that has listed a run",
    )


class _Longest:
    """How long a transaction of this database was open at the longest, as PostgreSQL tells."""

    def __init__(self, url: str) -> None:
        self.seconds = 0.0
        self._url = url
        self._is_over = threading.Event()

    def watched(self) -> ExitStack:
        stack = ExitStack()
        if self._url.startswith("postgresql"):
            thread = threading.Thread(target=self._watch)
            thread.start()
            stack.callback(thread.join)
            stack.callback(self._is_over.set)
        return stack

    def _watch(self) -> None:
        with bulk.connected(self._url) as connection:
            while not self._is_over.wait(0.002):
                self.seconds = max(self.seconds, float(connection.execute(_LONGEST).fetchone()[0]))


def _long_run(kind: str, url: str) -> Iterator[Row]:
    """Compare what a row costs in a run of 10,000 checkpoints with one of 1,000."""
    short, long = (_asked_of_a_run(url, steps) for steps in (SHORT, LONG))
    for what, seconds in long.items():
        yield Row(
            what=f"{what} of {LONG:,}",
            who="spine",
            where=kind,
            value=seconds * MILLI,
            unit="ms",
            ratio=seconds / LONG / (short[what] / SHORT),
            target=1.5,
            note=f"by checkpoint, against a run of {SHORT:,}",
        )


def _asked_of_a_run(url: str, steps: int) -> dict[str, float]:
    run_id = f"of-{steps}"
    verbs: Mapping[str, Ask] = {
        "list the checkpoints": lambda runner: runner.list_checkpoints(run_id),
        "show the newest checkpoint": lambda runner: runner.get_checkpoint(run_id),
        "show the run": lambda runner: runner.get_run(run_id),
        "resume the run": lambda runner: runner.resume(run_id),
    }
    with WorkflowRunner(url, registry=Registry()) as runner:
        runner.execute(_workflow(steps, f"work-{steps}", fails=True), run_id=run_id)
        return {what: min(_timed(ask, runner) for _ in range(3)) for what, ask in verbs.items()}
