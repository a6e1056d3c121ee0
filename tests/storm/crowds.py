"""Many processes that drive runs in one SQLite file: patience, never `database is locked`."""

import signal

from tests.storm.kind import Kind
from tests.storm.round import Round
from tests.storm.tally import Tried

PROCESSES = 8
RUNS_EACH = 2


def crowd(storm: Round) -> None:
    """Let all of them begin at once, in a file without tables yet, and kill one of them."""
    processes = storm.some(PROCESSES)
    stories = storm.stories(processes * RUNS_EACH, seconds=0.005)
    shares = [stories[first::processes] for first in range(processes)]
    doomed = storm.dice.randrange(processes)
    workers = [
        storm.start("drive", *share, doom=storm.doom(signal.SIGKILL, steps=8) if number == doomed else None)
        for number, share in enumerate(shares)
    ]
    storm.wait(*workers)
    storm.tally.tried[Tried.KILLS] += sum(worker.exit_code == -signal.SIGKILL for worker in workers)
    storm.finish(stories)
    storm.judge_workers(exit_codes=(0, -signal.SIGKILL))


CROWDS = Kind(name="crowds", rage=crowd, fits=lambda place: place.is_sqlite)
