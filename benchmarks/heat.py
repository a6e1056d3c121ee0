"""A heat: the same work, done by all contenders in turn, block by block and round after round."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from uuid import uuid4

from benchmarks.lane import Lane, Trip, lane
from benchmarks.place import Place
from benchmarks.work import Order

FEWEST = 2
WARM = 50
SETTLING = 8.0
Entrants = Mapping[str, Path]
Trips = dict[str, list[Trip]]


@contextmanager
def lanes(place: Place, kind: str, entrants: Entrants) -> Iterator[list[Lane]]:
    """Open a lane for each name, with the interpreter it runs in, each on a new database, when the disk is ready."""
    place.disk.settle(at_most_seconds=SETTLING)
    with ExitStack() as opened:
        yield [
            opened.enter_context(lane(name, opened.enter_context(place.database(kind)), python=python))
            for name, python in entrants.items()
        ]


def run(racing: Sequence[Lane], order: Order, *, rounds: int, seconds: float, warm: int = WARM) -> Trips:
    """Let each do the work once in each round; after so many seconds, but not before two rounds, begin no more.

    All take turns after every few steps, so that what else happens on the machine happens to all of them. Nobody's
    first steps count.
    """
    [trips] = run_each(racing, [order], rounds=rounds, seconds=seconds, warm=warm)
    return trips


def run_each(
    racing: Sequence[Lane], orders: Sequence[Order], *, rounds: int, seconds: float, warm: int = WARM
) -> list[Trips]:
    """Run several works, one after the other in each round, and give the trips of each."""
    for each in racing if warm else ():
        each.drive(replace(orders[0], run=str(uuid4()), steps=min(orders[0].steps, warm)))
    trips: list[Trips] = [{each.name: [] for each in racing} for _ in orders]
    start = monotonic()
    for turn in range(rounds):
        if turn >= FEWEST and monotonic() - start > seconds:
            break
        shift = turn % len(racing)
        for order, of_order in zip(orders, trips, strict=True):
            for name, trip in _round([*racing[shift:], *racing[:shift]], order):
                of_order[name].append(trip)
    return trips


def _round(racing: list[Lane], order: Order) -> Iterator[tuple[str, Trip]]:
    for each in racing:
        each.begin(replace(order, run=str(uuid4())))
    while racing:
        for each in tuple(racing):
            if trip := each.go_on():
                racing.remove(each)
                yield each.name, trip
