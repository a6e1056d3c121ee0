"""What a step costs when the database is further away."""

from collections.abc import Iterator
from contextlib import ExitStack

from benchmarks import heat
from benchmarks.contender import POSTGRESQL
from benchmarks.lane import lane
from benchmarks.measure import OURS, Plan
from benchmarks.row import Row, per_step
from benchmarks.wire import wired
from benchmarks.work import Order

TITLE = "With 0.5 ms more for each round trip"
DELAY_SECONDS = 0.0005
SECONDS = 8


def measure(plan: Plan) -> Iterator[Row]:
    """Run workflows of 100 steps, with a proxy before the database that delays each question."""
    if POSTGRESQL not in plan.kinds:
        return
    with ExitStack() as opened:
        racing = []
        for who in OURS:
            url = opened.enter_context(plan.place.database(POSTGRESQL))
            _, through = opened.enter_context(wired(url, delay_seconds=DELAY_SECONDS))
            racing.append(opened.enter_context(lane(who, through)))
        trips = heat.run(racing, Order(run="", steps=100), rounds=plan.rounds(20), seconds=plan.seconds(SECONDS))
    yield from per_step(trips, "a step of 100", POSTGRESQL, target=1.1)
