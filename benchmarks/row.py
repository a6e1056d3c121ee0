"""`Row`: one line of the table of results."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles

SPREAD_NEEDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was measured of whom: `value` in its `unit`, and `ratio` of it to what the limit took in the same rounds.

    A `target` is the most that the ratio may be, or the value where there is no ratio (the least with `at_least`).
    """

    what: str
    who: str
    where: str
    value: float
    unit: str
    ratio: float | None = None
    spread: tuple[float, float] | None = None
    target: float | None = None
    at_least: bool = False
    steps: int | None = None
    note: str = ""

    @property
    def holds(self) -> bool | None:
        """Tell whether the target is met; None if there is none."""
        if self.target is None:
            return None
        judged = self.value if self.ratio is None else self.ratio
        return judged >= self.target if self.at_least else judged <= self.target


def spread_of(values: Sequence[float]) -> tuple[float, float]:
    """Give the lower and the upper quartile."""
    if len(values) < SPREAD_NEEDS:
        return min(values), max(values)
    lower, _, upper = quantiles(values, n=4)
    return lower, upper


def ratio_of(values: Sequence[float], limits: Sequence[float]) -> tuple[float, tuple[float, float]]:
    """Give the median ratio of values to those of the limit in the same rounds, and its quartiles."""
    ratios = [value / limit for value, limit in zip(values, limits, strict=True)]
    return median(ratios), spread_of(ratios)
