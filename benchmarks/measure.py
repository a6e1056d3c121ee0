"""What a measure is: a question with a title, and rows for an answer."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from benchmarks.place import Place
from benchmarks.row import Row

# In the order of the table.
NAMES = ("steps", "statement", "outputs", "large", "cold", "trips", "crowd", "distance", "memory", "scale", "peers")
OURS: Mapping[str, Path] = {name: Path(sys.executable) for name in ("limit", "spine")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Where and how thoroughly to measure: `effort` multiplies the rounds; `entrants` are who takes part."""

    place: Place
    kinds: tuple[str, ...]
    effort: float = 1.0
    entrants: Mapping[str, Path] = field(default_factory=lambda: OURS)

    def rounds(self, usual: int) -> int:
        """Give how many rounds to measure, at least three."""
        return max(3, round(usual * self.effort))

    def seconds(self, usual: float) -> float:
        """Give after how many seconds no more rounds are begun."""
        return usual * self.effort


class Measure(Protocol):
    """A module of `benchmarks.measures`."""

    TITLE: str

    def measure(self, plan: Plan) -> Iterator[Row]:
        """Give the rows as they are found."""


def load(name: str) -> Measure:
    """Give a measure by the name of its file."""
    return cast(Measure, import_module(f"benchmarks.measures.{name}"))
