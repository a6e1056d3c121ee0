"""What was measured, as a picture: matplotlib is installed by `make bench` alone."""

import re
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

from benchmarks import peers
from benchmarks.contender import POSTGRESQL, SQLITE
from benchmarks.report import RESULTS, Found
from benchmarks.row import Row

PICTURE = RESULTS / "results.png"
KINDS = {POSTGRESQL: "PostgreSQL", SQLITE: "SQLite"}
STEPS = re.compile(r"a step of ([\d,]+)")
OURS, LIMIT, OTHERS = "#1b6ca8", "#8a8a8a", "#d9b44a"


def draw(found: Found) -> None:
    """Draw what a step takes as runs get longer, and what it takes the peers; leave out what was not measured."""
    mpl.use("agg")
    figure, axes = plt.subplots(len(KINDS), 2, figsize=(12, 7.5), layout="constrained")
    for line, (kind, name) in zip(axes, KINDS.items(), strict=True):
        _growth(line[0], [row for row in found.get("steps", ()) if row.where == kind], name)
        _bars(line[1], [row for row in found.get("peers", ()) if row.where == kind], name)
    figure.savefig(PICTURE, dpi=110)
    plt.close(figure)


def _growth(axis: Any, rows: Sequence[Row], name: str) -> None:
    lengths = {row.what: int(match[1].replace(",", "")) for row in rows if (match := STEPS.fullmatch(row.what))}
    for who, colour in (("limit", LIMIT), ("spine", OURS)):
        points = [(lengths[row.what], row.ratio) for row in rows if row.who == who and row.what in lengths]
        if points:
            axis.plot(*zip(*points, strict=True), marker="o", color=colour, label=peers.title(who))
    for target in {row.target for row in rows if row.what in lengths and row.target}:
        axis.axhline(target, color=OURS, linestyle=":", label="target")
    axis.set(title=f"{name}: a step, × the limit", xlabel="steps of the run", xscale="log")
    axis.set_ylim(bottom=0)
    axis.legend()


def _bars(axis: Any, rows: Sequence[Row], name: str) -> None:
    shown = sorted((row for row in rows if row.what == "a step of 100, 100 bytes"), key=lambda row: -(row.ratio or 0))
    colours = [{"spine": OURS, "limit": LIMIT}.get(row.who, OTHERS) for row in shown]
    bars = axis.barh([peers.title(row.who) for row in shown], [row.ratio for row in shown], color=colours)
    axis.bar_label(bars, fmt="%.2f", padding=3)
    axis.set(title=f"{name}: a step of 100, × the limit")
    axis.margins(x=0.15)
