"""`Lane`: one contender in a process of its own, so that the threads of one do not slow another down.

It is spoken to in lines of JSON, and waits for the next while others have their turn.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, TextIO, cast

from benchmarks.contender import load
from benchmarks.work import Work

TOP = Path(__file__).parents[1]
PEERS = TOP / ".venv-peers" / "bin" / "python"


class LaneFailed(RuntimeError):
    """A contender could not do its work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """One drive of a run, in seconds: until its first step, each step, and what the process computed from the first."""

    start: float
    steps: list[float]
    computed: float

    @property
    def per_step(self) -> float:
        """Give the seconds from the begin of the first step to the end of the run, by step."""
        return sum(self.steps) / len(self.steps)


class Lane:
    """A contender on a database of its own."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self.name = name
        self._process = process

    def drive(self, work: Work) -> Trip:
        """Let the contender do this work once."""
        answer = self._ask(asdict(work) | {"verb": "drive"})
        return Trip(**answer)

    def ask(self, verb: str) -> Any:
        """Ask for something else; see `_answer`."""
        return self._ask({"verb": verb})

    def _ask(self, question: dict[str, Any]) -> Any:
        speaker, listener = cast(TextIO, self._process.stdin), cast(TextIO, self._process.stdout)
        speaker.write(json.dumps(question) + "\n")
        speaker.flush()
        answer = listener.readline()
        if not answer:
            raise LaneFailed(f"{self.name} ended with exit code {self._process.wait()}")
        return json.loads(answer)


@contextmanager
def lane(name: str, url: str, *, python: Path | str = sys.executable) -> Iterator[Lane]:
    """Open a contender's lane; `python` is the interpreter of the environment it is installed in."""
    command = [str(python), "-m", "benchmarks.lane", name]
    environment = os.environ | {"BENCHMARK_DATABASE_URL": url}
    with subprocess.Popen(
        command, cwd=TOP, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            opened = Lane(name, process)
            opened.ask("open")
            yield opened
        finally:
            cast(TextIO, process.stdin).close()


def main() -> None:
    """Answer questions until there are no more."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a contender prints is no answer
    contender = load(sys.argv[1])
    contender.open(os.environ["BENCHMARK_DATABASE_URL"])
    for line in sys.stdin:
        question = json.loads(line)
        answer = _drive(contender.drive, Work(**question)) if question.pop("verb") == "drive" else {}
        print(json.dumps(answer), file=answers, flush=True)
    contender.close()


def _drive(drive: Callable[[Work], None], work: Work) -> dict[str, Any]:
    start = perf_counter()
    drive(work)
    work.marks.append(perf_counter())
    steps = [after - before for before, after in pairwise(work.marks)]
    return {"start": work.marks[0] - start, "steps": steps, "computed": process_time() - work.computed[0]}


if __name__ == "__main__":
    main()
