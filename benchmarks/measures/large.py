"""What one large output costs, and the steps after it; and what it costs to read a thousand outputs."""

import json
from collections.abc import Iterator
from dataclasses import replace
from statistics import mean, median
from time import perf_counter
from uuid import uuid4

from benchmarks import heat
from benchmarks.lane import Lane, Trip
from benchmarks.measure import OURS, Plan
from benchmarks.row import KIB, Row, compare, drift
from benchmarks.work import Order

TITLE = "One large output among small ones; reading many"
MB = 1_000_000
STEPS, LARGE_AT, READ = 5, 1, 1000
SIZES = {MB: 24, 10 * MB: 15}
SECONDS = 6


def measure(plan: Plan) -> Iterator[Row]:
    """Run five steps, the second with a string of 1 MB, then of 10 MB; then one that reads 1,000 outputs of 1 KB."""
    for kind in plan.kinds:
        with heat.lanes(plan.place, kind, OURS) as racing:
            small = Order(run="", steps=STEPS)
            for size, rounds in SIZES.items():
                orders = [small, replace(small, large_at=LARGE_AT, large_bytes=size)]
                usual, trips = heat.run_each(racing, orders, rounds=plan.rounds(rounds), seconds=plan.seconds(SECONDS))
                yield from _large(trips, kind, f"{size // MB} MB")
                yield _after(trips, usual, kind, f"{size // MB} MB")
            yield _reading(racing[list(OURS).index("spine")], kind, rounds=plan.rounds(5))


def _large(trips: heat.Trips, kind: str, size: str) -> Iterator[Row]:
    limits = [trip.steps[LARGE_AT] for trip in trips["limit"]]
    for who, driven in trips.items():
        yield compare(
            [trip.steps[LARGE_AT] for trip in driven],
            limits,
            what=f"the step with {size}",
            who=who,
            where=kind,
            unit="ms",
            target=1.3 if who == "spine" else None,
        )


def _after(trips: heat.Trips, usual: heat.Trips, kind: str, size: str) -> Row:
    """Compare the steps after the large one with those of a run without; what the limit took more is taken out."""
    more = {who: median(map(_mean_after, trips[who])) / median(map(_mean_after, usual[who])) for who in trips}
    return Row(
        what=f"the steps after {size} against those of a run without",
        who="spine",
        where=kind,
        value=drift(more["spine"], more["limit"]),
        unit="×",
        target=1.15,
        note=f"{more['spine']:.2f} × in itself, {more['limit']:.2f} × the limit's own",
    )


def _mean_after(trip: Trip) -> float:
    return mean(trip.steps[LARGE_AT + 1 : STEPS - 1])


def _reading(spine: Lane, kind: str, *, rounds: int) -> Row:
    """Compare what a step reads with one decoding of the same values."""
    order = Order(run="", steps=READ + 1, output_bytes=KIB, reads=True)
    texts = [json.dumps(order.output(step)) for step in range(READ)]
    read, decoded = [], []
    for _ in range(min(rounds, 3)):
        read.append(spine.drive(replace(order, run=str(uuid4()))).reading)
        start = perf_counter()
        [json.loads(text) for text in texts]
        decoded.append(perf_counter() - start)
    return compare(
        read,
        decoded,
        what=f"reading {READ:,} outputs of 1 KB in a step",
        who="spine",
        where=kind,
        unit="ms",
        target=1.5,
        note="against one json.loads of each",
    )
