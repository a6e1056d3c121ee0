"""`Lane`: one contender in a process of its own, so that the threads of one do not slow another down.

It is spoken to in lines of JSON. Between blocks of steps it waits, and others have their turn.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any, TextIO, cast

from benchmarks.contender import Contender, load
from benchmarks.work import Order, Work

TOP = Path(__file__).parents[1]
DATABASE_URL = "BENCHMARKS_DATABASE_URL"
BLOCK = 25


class LaneFailed(RuntimeError):
    """A contender could not do its work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """One drive of a run, in seconds: until its first step, each step, and what the process computed for all steps."""

    start: float
    steps: list[float]
    computed: float
    reading: float
    grown: int

    @property
    def per_step(self) -> float:
        """Give the seconds that a step took, the end of the run included."""
        return sum(self.steps) / len(self.steps)


class Lane:
    """A contender on a database of its own, seen from outside."""

    def __init__(self, name: str, url: str, process: subprocess.Popen[str]) -> None:
        self.name = name
        self.url = url
        self._process = process

    def begin(self, order: Order) -> None:
        """Let the contender come to the first step."""
        self.ask("drive", **asdict(order))

    def go_on(self) -> Trip | None:
        """Let it do the next block of steps; after the last one, give the trip."""
        answer = self.ask("go on")
        return None if answer is None else Trip(**answer)

    def drive(self, order: Order) -> Trip:
        """Let the contender do all of the work."""
        self.begin(order)
        while (trip := self.go_on()) is None:
            continue
        return trip

    def crowd(self, order: Order, *, runs: int) -> float:
        """Let it drive so many runs at once, in as many threads, and give the seconds until the last has ended."""
        return float(self.ask("crowd", runs=runs, **asdict(order)))

    def ask(self, verb: str, **details: Any) -> Any:
        """Ask, and wait for the answer."""
        speaker, listener = cast(TextIO, self._process.stdin), cast(TextIO, self._process.stdout)
        speaker.write(json.dumps([verb, details]) + "\n")
        speaker.flush()
        answer = listener.readline()
        if not answer:
            raise LaneFailed(f"{self.name} ended with exit code {self._process.wait()}")
        return json.loads(answer)


@contextmanager
def lane(name: str, url: str, *, python: Path | str = sys.executable, watched_by: Sequence[str] = ()) -> Iterator[Lane]:
    """Open a lane; `python` is of the environment the contender is installed in, `watched_by` a command before it."""
    command = [*watched_by, str(python), "-m", "benchmarks.lane", name]
    environment = os.environ | {DATABASE_URL: url}
    with subprocess.Popen(
        command, cwd=TOP, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            opened = Lane(name, url, process)
            opened.ask("open")
            yield opened
        finally:
            cast(TextIO, process.stdin).close()


class _Inside:
    """A contender, seen from inside its process."""

    def __init__(self, contender: Contender) -> None:
        self._contender = contender
        self._answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a contender prints is no answer

    def answer_all(self) -> None:
        for verb, details in map(json.loads, sys.stdin):
            if verb == "open":
                self._contender.open(os.environ[DATABASE_URL])
                self._say(None)
            elif verb == "crowd":
                self._say(self._crowd(details.pop("runs"), Order(**details)))
            else:
                self._say(self._drive(Order(**details)))
        self._contender.close()

    def _say(self, answer: Any) -> None:
        print(json.dumps(answer), file=self._answers, flush=True)

    def _pause(self) -> None:
        self._say(None)
        sys.stdin.readline()

    def _drive(self, order: Order) -> dict[str, Any]:
        start = perf_counter()
        work = Work(order, block=BLOCK, pause=self._pause)
        self._contender.drive(work)
        work.end()
        times = asdict(work.times)
        began, ended = times.pop("began"), times.pop("ended")
        steps = [end - begin for begin, end in zip(began, ended, strict=True)]
        return {**times, "start": began[0] - start, "steps": steps}

    def _crowd(self, runs: int, order: Order) -> float:
        works = [Work(replace(order, run=f"{order.run}{number}")) for number in range(runs)]
        with ThreadPoolExecutor(runs) as threads:
            list(threads.map(self._contender.drive, works))
        for work in works:
            work.end()
        return max(work.times.ended[-1] for work in works) - min(work.times.began[0] for work in works)


if __name__ == "__main__":
    _Inside(load(sys.argv[1])).answer_all()
