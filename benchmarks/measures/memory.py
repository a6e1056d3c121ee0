"""What a long run holds in memory."""

from collections.abc import Iterator

from benchmarks import heat
from benchmarks.measure import OURS, Plan
from benchmarks.row import KIB, Row
from benchmarks.work import Order

TITLE = "Memory of a run of 3,000 steps with outputs of 1 KB"
STEPS = 3000
MOST = 2.0


def measure(plan: Plan) -> Iterator[Row]:
    """Let a process run once, so that it has all it needs, and see how much it grows in a second run."""
    for kind in plan.kinds:
        with heat.lanes(plan.place, kind, {"spine": OURS["spine"]}) as [running]:
            running.drive(Order(run="warm", steps=100, output_bytes=KIB))
            trip = running.drive(Order(run="grows", steps=STEPS, output_bytes=KIB))
        yield Row(
            what="growth for each output",
            who="spine",
            where=kind,
            value=trip.grown / STEPS / KIB,
            unit="KiB",
            target=MOST,
            note="resident memory at the end of the run against its first step",
        )
