"""What a step costs, and whether it costs more the longer a run is."""

from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks import heat
from benchmarks.contender import POSTGRESQL, SQLITE
from benchmarks.lane import Trip
from benchmarks.measure import OURS, Plan
from benchmarks.row import Row, ratio_of, spread_of
from benchmarks.work import Work

TITLE = "A step with an output of 100 bytes"
ROUNDS = {10: 40, 100: 20, 1000: 7, 3000: 5}
TARGETS = {POSTGRESQL: 1.3, SQLITE: 1.2}
SECONDS = 12
FLAT = 1.15
MICRO = 1e6


def measure(plan: Plan) -> Iterator[Row]:
    """Run workflows of 10 to 3,000 steps."""
    for kind in plan.kinds:
        for steps, rounds in ROUNDS.items():
            with heat.lanes(plan.place, kind, OURS) as racing:
                trips = heat.run(
                    racing, Work(run="", steps=steps), rounds=plan.rounds(rounds), seconds=plan.seconds(12)
                )
            yield from per_step(trips, kind, steps)
        yield from _flatness(trips, kind)


def per_step(trips: dict[str, list[Trip]], kind: str, steps: int) -> Iterator[Row]:
    """Give what a step took each contender, from the begin of the first step to the end of the run."""
    limits = [trip.per_step for trip in trips["limit"]]
    for who, driven in trips.items():
        seconds = [trip.per_step for trip in driven]
        computed = median(trip.computed for trip in driven) / steps
        ratio, spread = ratio_of(seconds, limits)
        yield Row(
            what=f"per step, N = {steps:,}",
            who=who,
            where=kind,
            value=median(seconds) * MICRO,
            unit="µs",
            ratio=ratio,
            spread=spread,
            target=TARGETS[kind] if who == "spine" else None,
            steps=steps,
            note=f"fastest {min(seconds) * MICRO:.0f} µs ({min(seconds) / min(limits):.2f} ×), "
            f"computing {computed * MICRO:.0f} µs",
        )


def _flatness(trips: dict[str, list[Trip]], kind: str) -> Iterator[Row]:
    for who, driven in trips.items():
        slopes = [_last_against_tenth(trip.steps) for trip in driven]
        steps = len(driven[0].steps)
        yield Row(
            what=f"last step against the tenth, N = {steps:,}",
            who=who,
            where=kind,
            value=median(slopes),
            unit="×",
            spread=spread_of(slopes),
            target=FLAT if who == "spine" else None,
            steps=steps,
        )


def _last_against_tenth(steps: Sequence[float]) -> float:
    """Compare the medians of two windows of as many steps as one in twenty; the very last also ends the run."""
    window = len(steps) // 20
    return median(steps[-1 - window : -1]) / median(steps[9 : 9 + window])
