"""What of a step is the statement that writes it, what is Python, and what is Spine."""

from collections.abc import Iterator

from benchmarks import heat
from benchmarks.measure import OURS, Plan
from benchmarks.row import Row, per_step
from benchmarks.work import Order

TITLE = "What of a step is its statement alone, and what a bare loop in Python that writes the same"
STEPS = 1000
SECONDS = 10


def measure(plan: Plan) -> Iterator[Row]:
    """Run workflows of 1,000 steps; beside them, write the same rows with the same statement."""
    entrants = {"limit": OURS["limit"]} | dict.fromkeys(("statement", "least", "spine"), OURS["spine"])
    for kind in plan.kinds:
        with heat.lanes(plan.place, kind, entrants) as racing:
            trips = heat.run(racing, Order(run="", steps=STEPS), rounds=plan.rounds(6), seconds=plan.seconds(SECONDS))
        yield from per_step(trips, f"a step of {STEPS:,}", kind)
