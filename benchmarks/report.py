"""What was measured, as a table for people and as JSON for machines."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import contender, measure, peers
from benchmarks.origin import Origin
from benchmarks.row import Row

RESULTS = Path(__file__).parent / "results"
TABLE, DATA = RESULTS / "results.md", RESULTS / "results.json"
VERDICTS = {None: "", True: "holds", False: "**missed**"}
COLUMNS = (
    "| what | who | where | value | × limit | quartiles | target | | |",
    "|---|---|---|--:|--:|---|--:|---|---|",
)
HEAD = """Medians of rounds in which all took turns; × is the median of the rounds' ratios to the limit, with their
quartiles, and not the quotient of two medians. Repeat it with `make bench`; [Performance](../../docs/performance.md)
says what the lines mean."""
ORIGINS = "origins"
Found = Mapping[str, Sequence[Row]]


def write(found: Found, origins: Mapping[str, Origin]) -> Found:
    """Write what was found over what was found of the same measures before, and give it with the rest.

    `origins` tells of each measure what it was taken with.
    """
    both, origins = {**read(), **found}, {**_documents().get(ORIGINS, {}), **origins}
    known = {name: both[name] for name in measure.NAMES if name in both}
    documents = {name: [{**asdict(row), "holds": row.holds} for row in rows] for name, rows in known.items()}
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({**documents, ORIGINS: origins}, indent=1, ensure_ascii=False)
    DATA.write_text(text + "\n", encoding="utf-8")
    TABLE.write_text("\n".join(_lines(known, origins)) + "\n", encoding="utf-8")
    return known


def read() -> Found:
    """Give what was written last."""
    documents = _documents()
    return {name: [_row(row) for row in documents[name]] for name in measure.NAMES if name in documents}


def _documents() -> dict[str, Any]:
    return dict(json.loads(DATA.read_text("utf-8"))) if DATA.exists() else {}


def _row(document: dict[str, Any]) -> Row:
    del document["holds"]
    return Row(**document)


def _lines(known: Found, origins: Mapping[str, Origin]) -> list[str]:
    lines = ["# What was measured", "", HEAD]
    for name, rows in known.items():
        told = "; ".join(f"{what}: {value}" for what, value in origins.get(name, {}).items())
        lines += ["", f"## {measure.load(name).TITLE}", "", *([told, ""] if told else [])]
        lines += [*COLUMNS, *map(_line, rows)]
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
