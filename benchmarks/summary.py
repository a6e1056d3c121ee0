"""The table in the README: what a step costs everybody."""

import re
from collections.abc import Sequence

from benchmarks import peers
from benchmarks.contender import POSTGRESQL, SQLITE
from benchmarks.lane import TOP
from benchmarks.report import Found, shown
from benchmarks.row import Row

README = TOP / "README.md"
BEGIN, END = "<!-- results of make bench-peers -->", "<!-- end of results -->"
SMALL, LARGE = "a step of 100, 100 bytes", "a step of 1,000, 1 KB"
STORED = f"stored by {LARGE}"
HEAD = (
    "| | PostgreSQL | × limit | SQLite | × limit | PostgreSQL, 1 KB readable | stored |",
    "|---|--:|--:|--:|--:|--:|--:|",
)


def write(found: Found) -> None:
    """Put the table of what was measured last between its marks."""
    rows = found.get("peers", ())
    text = README.read_text(encoding="utf-8")
    table = "\n".join([*HEAD, *_lines(rows)])
    pattern = f"{re.escape(BEGIN)}.*{re.escape(END)}"
    README.write_text(re.sub(pattern, f"{BEGIN}\n\n{table}\n\n{END}", text, flags=re.DOTALL), encoding="utf-8")


def _lines(rows: Sequence[Row]) -> list[str]:
    """Give a line for each who was measured, the quickest on PostgreSQL first."""
    cells = {(row.who, row.where, row.what): row for row in rows}
    ratios = {
        who: row.ratio or 0.0 for (who, where, what), row in cells.items() if (where, what) == (POSTGRESQL, SMALL)
    }
    lines = []
    for who in sorted(ratios, key=ratios.__getitem__):
        name = f"**{peers.title(who)}**" if who == "spine" else peers.title(who)
        of = [cells.get((who, where, SMALL)) for where in (POSTGRESQL, SQLITE)]
        more = [cells.get((who, POSTGRESQL, what)) for what in (LARGE, STORED)]
        values = [value for row in of for value in (_value(row), _ratio(row))]
        lines.append(f"| {' | '.join([name, *values, *map(_value, more)])} |")
    return lines


def _value(row: Row | None) -> str:
    return "-" if row is None else f"{shown(row.value)} {row.unit}"


def _ratio(row: Row | None) -> str:
    return "-" if row is None or row.ratio is None else f"{row.ratio:.1f}"
