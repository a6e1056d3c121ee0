"""The same work, done by other libraries: those that are installed beside the benchmarks."""

from collections.abc import Iterator

from benchmarks import heat, peers
from benchmarks.lane import Lane
from benchmarks.measure import OURS, Plan
from benchmarks.row import KIB, Row, per_step
from benchmarks.stored import stored_bytes
from benchmarks.work import Order

TITLE = "Peers, each as it ships"
SMALL, MANY = 100, 1000
SECONDS, LONGEST_SECONDS = 12, 120


def measure(plan: Plan) -> Iterator[Row]:
    """Run 100 steps with outputs of 100 bytes, and 1,000 with outputs of 1 KB that all later steps can read."""
    for kind in plan.kinds:
        with heat.lanes(plan.place, kind, {**OURS, **peers.installed(kind)}) as racing:
            order = Order(run="", steps=SMALL)
            trips = heat.run(racing, order, rounds=plan.rounds(10), seconds=plan.seconds(SECONDS))
            yield from per_step(trips, f"a step of {SMALL}, 100 bytes", kind)
            yield from _readable(racing, kind, rounds=plan.rounds(3))


def _readable(racing: list[Lane], kind: str, *, rounds: int) -> Iterator[Row]:
    before = {each.name: stored_bytes(each.url) for each in racing}
    order = Order(run="", steps=MANY, output_bytes=KIB)
    trips = heat.run(racing, order, rounds=rounds, seconds=LONGEST_SECONDS, warm=0)
    yield from per_step(trips, f"a step of {MANY:,}, 1 KB", kind)
    for each in racing:
        size = (stored_bytes(each.url) - before[each.name]) / len(trips[each.name]) / MANY / KIB
        yield Row(what=f"stored by a step of {MANY:,}, 1 KB", who=each.name, where=kind, value=size, unit="KiB")
