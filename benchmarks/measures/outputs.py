"""What outputs of 1 KB cost that every later step can read: time, and bytes stored."""

from collections.abc import Iterator
from math import log

from benchmarks import heat
from benchmarks.measure import OURS, Plan
from benchmarks.row import KIB, Row, per_step
from benchmarks.stored import stored_bytes
from benchmarks.work import Order

TITLE = "Outputs of 1 KB that all later steps can read"
STEPS = 1000
LENGTHS = (250, 500, 1000)
SECONDS = 10
MOST_KIB = 2.5
LINEAR = 1.1


def measure(plan: Plan) -> Iterator[Row]:
    """Run workflows of 1,000 steps; then shorter ones, to see how what is stored grows."""
    for kind in plan.kinds:
        with heat.lanes(plan.place, kind, OURS) as racing:
            order = Order(run="", steps=STEPS, output_bytes=KIB)
            trips = heat.run(racing, order, rounds=plan.rounds(6), seconds=plan.seconds(SECONDS))
        yield from per_step(trips, f"a step of {STEPS:,}", kind, target=1.5)
        for who, python in OURS.items():
            yield from growth(plan, kind, {who: python}, target=MOST_KIB if who == "spine" else None)


def growth(plan: Plan, kind: str, entrants: heat.Entrants, *, target: float | None) -> Iterator[Row]:
    """Give what one contender stores a step, and the power of the number of steps that all of it grows with."""
    [who] = entrants
    sizes = {steps: _stored(plan, kind, entrants, steps) for steps in LENGTHS}
    for steps, size in sizes.items():
        yield Row(
            what=f"stored by a step of {steps:,}",
            who=who,
            where=kind,
            value=size / steps / KIB,
            unit="KiB",
            target=target,
        )
    few, many = LENGTHS[0], LENGTHS[-1]
    yield Row(
        what=f"power of growth from {few} to {many:,} steps",
        who=who,
        where=kind,
        value=log(sizes[many] / sizes[few]) / log(many / few),
        unit="",
        target=None if target is None else LINEAR,
    )


def _stored(plan: Plan, kind: str, entrants: heat.Entrants, steps: int) -> int:
    with heat.lanes(plan.place, kind, entrants) as [racing]:
        before = stored_bytes(racing.url)
        racing.drive(Order(run="stored", steps=steps, output_bytes=KIB))
        return stored_bytes(racing.url) - before
