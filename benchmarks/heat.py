"""A heat: the same work, done by all contenders in turn, round after round."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from uuid import uuid4

from benchmarks.lane import Lane, Trip, lane
from benchmarks.place import Place
from benchmarks.work import Work

FEWEST = 3
Entrants = Mapping[str, Path]


@contextmanager
def lanes(place: Place, kind: str, entrants: Entrants) -> Iterator[list[Lane]]:
    """Open a lane for each name, with the interpreter it runs in, each on a new database."""
    with ExitStack() as opened:
        yield [
            opened.enter_context(lane(name, opened.enter_context(place.database(kind)), python=python))
            for name, python in entrants.items()
        ]


def run(racing: Sequence[Lane], work: Work, *, rounds: int, seconds: float) -> dict[str, list[Trip]]:
    """Let each do the work once in each round, never two at a time, and begin each round with another.

    A first round is not counted, and at least three are; after so many seconds no more are begun.
    """
    trips: dict[str, list[Trip]] = {each.name: [] for each in racing}
    start = monotonic()
    for turn in range(-1, rounds):
        if turn >= FEWEST and monotonic() - start > seconds:
            break
        shift = turn % len(racing)
        for each in (*racing[shift:], *racing[:shift]):
            trip = each.drive(replace(work, run=str(uuid4()), marks=[], computed=[]))
            if turn >= 0:
                trips[each.name].append(trip)
    return trips
