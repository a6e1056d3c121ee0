"""What it takes to start: importing, asking for help, and being at work on a run that another process left."""

import compileall
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from tempfile import TemporaryDirectory
from time import perf_counter

import spine
from benchmarks import heat
from benchmarks.contender import POSTGRESQL, SQLITE
from benchmarks.lane import TOP
from benchmarks.measure import OURS, Plan
from benchmarks.row import Row, compare
from benchmarks.scripts.resume_with_spine import RESUMED_AT, new_runs
from benchmarks.work import Order

TITLE = "From the start of a process, with compiled bytecode"
BARE = (sys.executable, "-c", "pass")
IMPORT = (sys.executable, "-c", "import spine.orchestration")
HELP = (sys.executable, "-m", "spine", "--help")
TARGETS = {POSTGRESQL: 2.5, SQLITE: 10.0}

Commands = Mapping[str, Callable[[], Sequence[str]]]


def measure(plan: Plan) -> Iterator[Row]:
    """Start processes in turn."""
    for package in spine.__path__:
        compileall.compile_dir(package, quiet=2)
    commands: Commands = {"limit": lambda: BARE, "import": lambda: IMPORT, "help": lambda: HELP}
    took = _in_turn(commands, plan.rounds(12))
    bare = took["limit"]
    yield compare(bare, bare, what="a bare interpreter", who="limit", where="", unit="ms")
    yield compare(took["import"], bare, what="import spine.orchestration", who="spine", where="", unit="ms", target=8)
    yield compare(took["help"], bare, what="spine --help", who="spine", where="", unit="ms", target=25)
    for kind in plan.kinds:
        yield from _resuming(plan, kind)


def _resuming(plan: Plan, kind: str) -> Iterator[Row]:
    rounds = plan.rounds(10)
    with heat.lanes(plan.place, kind, OURS) as racing:
        bare_url, url = (each.url for each in racing)
        racing[0].drive(Order(run="cold", steps=RESUMED_AT))
        new_runs(url, rounds + 1)
        ours, bare = count(), count()
        commands: Commands = {
            "limit": lambda: _script("resume_bare", bare_url, "cold", f"claim{next(bare)}"),
            "spine": lambda: _script("resume_with_spine", url, f"run{next(ours)}"),
        }
        took = _in_turn(commands, rounds)
    for who in commands:
        yield compare(
            took[who],
            took["limit"],
            what=f"at work at step {RESUMED_AT} of 100",
            who=who,
            where=kind,
            unit="ms",
            target=TARGETS[kind] if who == "spine" else None,
        )


def _script(name: str, *arguments: str) -> Sequence[str]:
    return (sys.executable, "-m", f"benchmarks.scripts.{name}", *arguments)


def _in_turn(commands: Commands, rounds: int) -> dict[str, list[float]]:
    """Give the seconds of each command in each round; a first round only warms the caches."""
    took: dict[str, list[float]] = {name: [] for name in commands}
    environment = {**os.environ, "PYTHONPATH": str(TOP)}  # not in our own folder: its pyproject.toml has settings
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # the first round compiles
    with TemporaryDirectory() as folder:
        for turn in range(-1, rounds):
            for name, command in commands.items():
                start = perf_counter()
                subprocess.run(command(), cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
                if turn >= 0:
                    took[name].append(perf_counter() - start)
    return took
