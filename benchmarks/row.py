"""`Row`: one line of the table of results."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from benchmarks.lane import Trip

MICRO, MILLI = 1e6, 1e3
SCALES = {"µs": MICRO, "ms": MILLI, "/s": 1.0}
KIB = 1024
SPREAD_NEEDS = 4
BUSY = 1.5


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


def ratios_of(values: Sequence[float], limits: Sequence[float]) -> list[float]:
    """Give the ratio of each value to the limit's in the same round."""
    return [value / limit for value, limit in zip(values, limits, strict=True)]


def drift(ours: float, limits: float) -> float:
    """Give how much longer something took later than before, without what the limit took longer too.

    What the limit took less is held against nobody.
    """
    return ours / max(1.0, limits)


def compare(
    values: Sequence[float],
    limits: Sequence[float],
    *,
    what: str,
    who: str,
    where: str,
    unit: str,
    target: float | None = None,
    at_least: bool = False,
    note: str = "",
) -> Row:
    """Give the row of the median value, with the median ratio to the limit's in the same rounds, and its quartiles.

    The values are seconds, whatever unit they are shown in, or rates if that is `/s`.
    """
    ratios = ratios_of(values, limits)
    return Row(
        what=what,
        who=who,
        where=where,
        value=median(values) * SCALES[unit],
        unit=unit,
        ratio=median(ratios),
        spread=spread_of(ratios),
        target=target,
        at_least=at_least,
        note=note,
    )


def per_step(
    trips: Mapping[str, Sequence[Trip]], what: str, kind: str, *, target: float | None = None
) -> Iterator[Row]:
    """Give what a step took each contender; the target is Spine's.

    It is judged by the median step of each round. A mean is that of the few steps for which a shared disk was busy
    with something else, and would hide what a library adds; it is told too, with the end of the run in it, and so is
    the step that one in ten was quicker than: on a busy machine the one that waited for nobody. Where even the limit
    mostly waited for somebody else, nobody is judged.
    """
    limits = [median(trip.steps) for trip in trips["limit"]]
    least = _figures(trips["limit"])
    is_busy = median(limits) > BUSY * least["quick"]
    for who, driven in trips.items():
        told = [
            f"{name} {figure * MICRO:.0f} µs ({figure / least[name]:.2f} ×)"
            for name, figure in _figures(driven).items()
        ]
        yield compare(
            [median(trip.steps) for trip in driven],
            limits,
            what=what,
            who=who,
            where=kind,
            unit="µs",
            target=target if who == "spine" and not is_busy else None,
            note=", ".join([*told, *(["not judged: the disk was busy"] if is_busy else [])]),
        )


def _figures(driven: Sequence[Trip]) -> dict[str, float]:
    return {
        "quick": quantiles([step for trip in driven for step in trip.steps], n=10)[0],
        "mean": median(trip.per_step for trip in driven),
        "computing": median(trip.computed / len(trip.steps) for trip in driven),
    }
