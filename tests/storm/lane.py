"""`Lane`: all kinds of storms over one place, one round after the other."""

import shutil
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tests.storm.kind import Kind
from tests.storm.kinds import KINDS
from tests.storm.place import Place
from tests.storm.round import round_on
from tests.storm.tally import Broken, Complaint, Tally, Tried


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which rounds are wanted: `kills,cuts/sqlite/17`, or what that begins with; nothing means all of them."""

    kinds: frozenset[str]
    place: str = ""
    number: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Choice":
        """Read it; raise ValueError for a kind that there is not, or a round that is not a number."""
        kinds, _, rest = text.partition("/")
        place, _, number = rest.partition("/")
        known = frozenset(kind.name for kind in KINDS)
        wanted = frozenset(kinds.split(",")) if kinds else known
        if not wanted <= known:
            raise ValueError(f"kinds of storms are {', '.join(sorted(known))}; not {', '.join(sorted(wanted - known))}")
        if number and not number.isdecimal():
            raise ValueError(
                f"name kinds as kills,cuts or one place as kills/sqlite or one round as kills/sqlite/12: {text!r}"
            )
        return cls(kinds=wanted, place=place, number=int(number) if number else None)

    def kinds_for(self, place: Place) -> list[Kind]:
        return [kind for kind in KINDS if kind.fits(place) and kind.name in self.kinds]

    def numbers(self, rounds: int | None) -> Iterator[int]:
        if self.number is not None:
            return iter([self.number])
        return iter(range(1, rounds + 1)) if rounds else count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Walks through the rounds that are wanted until it is told to stop."""

    place: Place
    seed: str
    folder: Path
    wanted: Choice
    rounds: int | None
    is_over: Callable[[], bool]
    report: Callable[[Kind, Place, Tally], None]

    def run(self) -> None:
        kinds = self.wanted.kinds_for(self.place)
        for number in self.wanted.numbers(self.rounds) if kinds else ():
            for kind in kinds:
                if self.is_over():
                    return
                tally = rage(kind, self.place, number, seed=self.seed, folder=self.folder)
                self.report(kind, self.place, tally)


def rage(kind: Kind, place: Place, number: int, *, seed: str, folder: Path, is_short: bool = False) -> Tally:
    """Do one round, perhaps with few runs; its files stay if there is something to complain about."""
    name = f"{kind.name}/{place.name}/{number}"
    tally = Tally()
    try:
        with round_on(place, name, seed, folder / name, is_short=is_short) as storm:
            tally = storm.tally
            kind.rage(storm)
    except Exception:
        broke = Complaint(broken=Broken.OTHER, text=f"the round broke off: {traceback.format_exc()}")
        tally.complaints.append((name, broke))
    tally.tried[Tried.ROUNDS] += 1
    if not tally.complaints:
        shutil.rmtree(folder / name)
    return tally
