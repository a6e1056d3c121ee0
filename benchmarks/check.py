"""Checks that contenders do the work: `python -m benchmarks.check URL NAME...`, in the environment they are in."""

import argparse

from benchmarks import contender
from benchmarks.work import Order, Work

STEPS = 12


class NotDone(AssertionError):
    """A contender did not do what it is measured for."""


def check(name: str, url: str) -> None:
    """Let a contender do a run whose last step reads all others, and let another instance of it read the outputs."""
    order = Order(run=f"checked-{name}"[:36], steps=STEPS, reads=True)
    work = Work(order)
    wanted = [order.output(step) for step in range(STEPS)]
    driving = contender.load(name)
    driving.open(url)
    driving.drive(work)
    work.end()
    driving.close()
    reading = contender.load(name)
    reading.open(url)
    stored = reading.stored(work)
    reading.close()
    if stored != wanted:
        raise NotDone(f"{name} has kept {len(stored)} outputs of {STEPS}, or others than it was given")


def main() -> None:
    """Check contenders, each by its name."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.check", description=__doc__)
    parser.add_argument("url", metavar="URL", help="an empty database, such as sqlite:////tmp/checked.db")
    parser.add_argument("names", metavar="NAME", nargs="+", choices=contender.names(), help="a file's, without its .py")
    asked = parser.parse_args()
    for name in asked.names:
        check(name, asked.url)
        print(f"{name}: all {STEPS} outputs are there")


if __name__ == "__main__":
    main()
