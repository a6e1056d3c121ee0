"""What of a step is the statement that writes it, and what is Spine."""

from collections.abc import Iterator

from benchmarks import heat
from benchmarks.measure import OURS, Plan
from benchmarks.row import Row, per_step
from benchmarks.work import Order

TITLE = "What of a step is its statement alone, with nothing else of Spine"
STEPS = 1000
SECONDS = 10


def measure(plan: Plan) -> Iterator[Row]:
    """Run workflows of 1,000 steps; beside them, write the same rows with the same statement."""
    entrants = {"limit": OURS["limit"], "statement": OURS["spine"], "spine": OURS["spine"]}
    for kind in plan.kinds:
        with heat.lanes(plan.place, kind, entrants) as racing:
            trips = heat.run(racing, Order(run="", steps=STEPS), rounds=plan.rounds(6), seconds=plan.seconds(SECONDS))
        yield from per_step(trips, f"a step of {STEPS:,}", kind)
