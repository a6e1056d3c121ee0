"""What many runs at once in one process reach."""

from collections.abc import Iterator
from statistics import median
from time import monotonic
from uuid import uuid4

from benchmarks import heat
from benchmarks.contender import POSTGRESQL
from benchmarks.lane import Lane
from benchmarks.measure import OURS, Plan
from benchmarks.row import Row, compare, ratios_of
from benchmarks.work import Order

TITLE = "Eight runs at once in one process"
CROWD, STEPS = 8, 100
LEAST = 0.6
SECONDS = 10


def measure(plan: Plan) -> Iterator[Row]:
    """Run a workflow of 100 steps in one thread, then in eight at once; the limit is eight threads that only insert."""
    if POSTGRESQL not in plan.kinds:
        return
    with heat.lanes(plan.place, POSTGRESQL, OURS) as racing:
        for each in racing:
            _rate(each, CROWD)
        alone: dict[str, list[float]] = {each.name: [] for each in racing}
        together: dict[str, list[float]] = {each.name: [] for each in racing}
        start = monotonic()
        for turn in range(plan.rounds(15)):
            if turn >= heat.FEWEST and monotonic() - start > plan.seconds(SECONDS):
                break
            for each in racing:
                alone[each.name].append(_rate(each, 1))
                together[each.name].append(_rate(each, CROWD))
    for who, rates in together.items():
        yield compare(
            rates,
            together["limit"],
            what=f"steps a second of {CROWD} runs at once",
            who=who,
            where=POSTGRESQL,
            unit="/s",
            target=LEAST if who == "spine" else None,
            at_least=True,
            note=f"{median(ratios_of(rates, alone[who])):.1f} × those of one run",
        )


def _rate(running: Lane, runs: int) -> float:
    return runs * STEPS / running.crowd(Order(run=uuid4().hex, steps=STEPS), runs=runs)
