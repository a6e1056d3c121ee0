"""`Tally`: what was tried and what did not hold."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Tried(StrEnum):
    """What the storms did, and what came of it; `again` are the steps in flight that were started once more."""

    ROUNDS = "rounds"
    RUNS = "runs"
    STEPS = "steps"
    KILLS = "kills"
    SIGNALS = "signals"
    ZOMBIES = "zombies"
    RESTARTS = "restarts"
    CUTS = "cuts"
    RACES = "races"
    PURGES = "purges"
    RESUMES = "resumes"
    AGAIN = "again"


class Broken(StrEnum):
    """The kinds of promises that a run can break."""

    REPEATED = "repeated steps"
    LOST = "lost steps"
    WRONG = "wrong contexts"
    TWO_DRIVERS = "two drivers"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """Something that did not hold."""

    broken: Broken
    text: str
    run_id: str = ""


@dataclass(slots=True)
class Tally:
    """Counts, and complaints with the round that they are about."""

    tried: Counter[Tried] = field(default_factory=Counter)
    complaints: list[tuple[str, Complaint]] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        self.tried += other.tried
        self.complaints += other.complaints

    def told(self) -> list[str]:
        """Each complaint as a line, or as many as it needs."""
        return [f"{each.broken}: {name} {each.run_id}: {each.text}" for name, each in self.complaints]

    def broken(self) -> Mapping[Broken, int]:
        return Counter(complaint.broken for _, complaint in self.complaints)


def table(tallies: Mapping[str, Tally]) -> Iterable[str]:
    """Lay the tallies out, a row each and one of their sums."""
    total = Tally()
    for tally in tallies.values():
        total.add(tally)
    rows = [*tallies.items(), ("all", total)]
    head = ["", *Tried, *(f"{kind}!" for kind in Broken)]
    cells = [head, *([name, *_numbers(tally)] for name, tally in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for name, *numbers in cells:
        yield "  ".join(
            [name.ljust(widths[0]), *(each.rjust(width) for each, width in zip(numbers, widths[1:], strict=True))]
        )


def _numbers(tally: Tally) -> list[str]:
    counts = [*(tally.tried[what] for what in Tried), *(tally.broken().get(what, 0) for what in Broken)]
    return [str(count) if count else "." for count in counts]
