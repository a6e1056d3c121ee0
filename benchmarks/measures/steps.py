"""What a step costs, and whether it costs more the longer a run is."""

from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks import heat
from benchmarks.contender import POSTGRESQL, SQLITE
from benchmarks.measure import OURS, Plan
from benchmarks.row import Row, drift, per_step, spread_of
from benchmarks.work import Order

TITLE = "A step with an output of 100 bytes, durable before the next begins"
ROUNDS = {10: 60, 100: 30, 1000: 8, 3000: 4}
STEPS_OF_A_NEW_PROCESS, NEW_PROCESSES = 100, 8
TARGETS = {POSTGRESQL: 1.3, SQLITE: 1.2}
SECONDS = 7
FLAT = 1.15


def measure(plan: Plan) -> Iterator[Row]:
    """Run workflows of 10 to 3,000 steps."""
    for kind in plan.kinds:
        for steps, rounds in ROUNDS.items():
            with heat.lanes(plan.place, kind, OURS) as racing:
                trips = heat.run(
                    racing, Order(run="", steps=steps), rounds=plan.rounds(rounds), seconds=plan.seconds(SECONDS)
                )
            yield from per_step(trips, f"a step of {steps:,}", kind, target=TARGETS[kind])
        yield from _flatness(trips, kind)
        what = f"a step of {STEPS_OF_A_NEW_PROCESS} in a new process and database"
        yield from per_step(_in_new_processes(plan, kind), what, kind, target=TARGETS[kind])


def _in_new_processes(plan: Plan, kind: str) -> heat.Trips:
    """Drive one run in each process, as cron does: SQLite's log is short then, and grows."""
    order = Order(run="", steps=STEPS_OF_A_NEW_PROCESS)
    trips: heat.Trips = {name: [] for name in OURS}
    for _ in range(plan.rounds(NEW_PROCESSES)):
        with heat.lanes(plan.place, kind, OURS) as racing:
            for name, driven in heat.run(racing, order, rounds=1, seconds=0, warm=0).items():
                trips[name] += driven
    return trips


def _flatness(trips: heat.Trips, kind: str) -> Iterator[Row]:
    """Compare the last steps with the tenth and those after it; what the limit took more by then is taken out."""
    limits = [_last_against_tenth(trip.steps) for trip in trips["limit"]]
    ours = [_last_against_tenth(trip.steps) for trip in trips["spine"]]
    drifts = [drift(our, limit) for our, limit in zip(ours, limits, strict=True)]
    yield Row(
        what=f"the last of {len(trips['spine'][0].steps):,} steps against the tenth",
        who="spine",
        where=kind,
        value=median(drifts),
        unit="×",
        spread=spread_of(drifts),
        target=FLAT,
        note=f"{median(ours):.2f} × in itself, {median(limits):.2f} × the limit's own",
    )


def _last_against_tenth(steps: Sequence[float]) -> float:
    """Compare the medians of two windows of one step in twenty; the very last also ends the run."""
    window = len(steps) // 20
    return median(steps[-1 - window : -1]) / median(steps[9 : 9 + window])
