"""What was measured, as a table for people and as JSON for machines."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import contender, measure, peers
from benchmarks.row import Row

RESULTS = Path(__file__).parent / "results"
TABLE, DATA = RESULTS / "results.md", RESULTS / "results.json"
VERDICTS = {None: "", True: "holds", False: "**missed**"}
COLUMNS = (
    "| what | who | where | value | × limit | quartiles | target | | |",
    "|---|---|---|--:|--:|---|--:|---|---|",
)
HEAD = """On {where}. Medians of rounds in which all took turns; × is the ratio to the limit in the same
rounds, with its quartiles. Repeat it with `make bench`; [Performance](../../docs/performance.md) says what the lines
mean."""
Found = Mapping[str, Sequence[Row]]


def write(found: Found) -> Found:
    """Write what was found over what was found of the same measures before, and give it with the rest."""
    both = {**read(), **found}
    known = {name: both[name] for name in measure.NAMES if name in both}
    documents = {name: [{**asdict(row), "holds": row.holds} for row in rows] for name, rows in known.items()}
    RESULTS.mkdir(exist_ok=True)
    DATA.write_text(json.dumps(documents, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    TABLE.write_text("\n".join(_lines(known)) + "\n", encoding="utf-8")
    return known


def read() -> Found:
    """Give what was written last."""
    documents: dict[str, list[dict[str, Any]]] = json.loads(DATA.read_text("utf-8")) if DATA.exists() else {}
    return {name: [_row(document) for document in rows] for name, rows in documents.items()}


def _row(document: dict[str, Any]) -> Row:
    del document["holds"]
    return Row(**document)


def _lines(known: Found) -> list[str]:
    where = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    lines = ["# What was measured", "", HEAD.format(where=where)]
    for name, rows in known.items():
        lines += ["", f"## {measure.load(name).TITLE}", "", *COLUMNS, *map(_line, rows)]
    return [*lines, "", "## Durability", "", *_durability()]


def _line(row: Row) -> str:
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    spread = "" if row.spread is None else f"{row.spread[0]:.2f} to {row.spread[1]:.2f}"
    target = "" if row.target is None else f"{'≥' if row.at_least else '≤'} {row.target:g}"
    value = f"{shown(row.value)} {row.unit}".strip()
    cells = [row.what, peers.title(row.who), row.where, value, ratio, spread, target, VERDICTS[row.holds], row.note]
    return f"| {' | '.join(cells)} |"


def shown(value: float) -> str:
    """Give a number with three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _durability() -> list[str]:
    return [f"- {peers.title(name)}: {peers.durability(name)}" for name in contender.names()]
