"""Tables for people, JSON for machines."""

import io
import json
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any

from spine.cli.output import is_terminal, out, say
from spine.cli.spelling import cut, safe, width
from spine.codec import json as codec
from spine.codec.limits import WIDE_LIMITS
from spine.codec.tags import COLLECTIONS
from spine.records.run import standing

LONGEST_INT = 10**4300  # what Python writes in decimal without being told twice
GAP = "  "
DELETE = "\x7f"
_ONE_IN_JSON = re.compile("[\ud800-\udbff][\udc00-\udfff]")  # two characters that would be read as one
LEAST_ROOM = 8
MOST_LINES = 5  # of what is folded in a table


@dataclass(frozen=True, slots=True)
class Cell:
    """Text with a colour."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; on a narrow terminal a luxury is left out, and one that yields is cut, or else folded."""

    title: str
    right: bool = False
    yields: bool = False
    folds: bool = False
    is_luxury: bool = False


_STATE_STYLES = {
    "completed": "green",
    "done": "green",
    "failed": "red",
    "crashed": "bold red",
    "running": "cyan",
    "next": "cyan",
    "again": "yellow",
    "may have run": "yellow",
    "cancelled": "yellow",
    "waiting": "blue",
    "pending": "blue",
}


def state(text: str) -> Cell:
    """Give the state of a run or a step its colour."""
    return Cell(text, _STATE_STYLES.get(text, "dim"))


def faint(text: str) -> Cell:
    """Give text that matters less."""
    return Cell(text, "dim")


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[Cell | str]]) -> None:
    """Write a table to stdout, coloured and fitted on a terminal, plain and whole elsewhere."""
    cells = [[Cell(column.title, "dim") for column in columns], *([_cell(value) for value in row] for row in rows)]
    longest = [max(width(line[index].text) for line in cells) for index in range(len(columns))]
    if not is_terminal(sys.stdout):
        out("\n".join(GAP.join(map(_padded, line, longest, columns)).rstrip() for line in cells))
        return
    paint = _Paint()
    widths = _fitted(columns, longest, paint.room)
    kept = [index for index, room in enumerate(widths) if room]
    out(
        "\n".join(
            paint.line([(_padded(line[index], widths[index], columns[index]), line[index].style) for index in kept])
            for whole in cells
            for line in paint.folded(whole, widths, columns)
        )
    )
    if left_out := [column.title for column, room in zip(columns, widths, strict=True) if not room]:
        say(f"no room for {', '.join(left_out)}: make the terminal wider, or pipe the table on, as to cat")


def print_facts(facts: Sequence[tuple[str, Cell | str]]) -> None:
    """Write names and values below each other; what has no value is left out."""
    told = [(name, _cell(value)) for name, value in facts if _cell(value).text]
    longest = max((len(name) for name, _ in told), default=0)
    if not is_terminal(sys.stdout):
        out("\n".join(f"{name.ljust(longest)}{GAP}{value.text}" for name, value in told))
        return
    paint = _Paint()
    room = max(paint.room - longest - len(GAP), LEAST_ROOM)
    for name, value in told:
        labels = [name.ljust(longest), *([" " * longest] * len(value.text))]
        for label, part in zip(labels, paint.fold(value.text, room), strict=False):
            out(paint.line([(label, "dim"), (part, value.style)]))


def print_json(value: Any) -> None:
    """Write a value that `plain` gave, or one of plain values and times, to stdout as JSON."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=_moment)
    out(_ascii_where_unsafe(text), gist=_gist(value))


def _gist(value: Any) -> str:
    """Tell in a line of the run that a document is about how it stands; nothing of another document."""
    if isinstance(value, Mapping) and {"run_id", "status"} <= value.keys():
        return f"run {value['run_id']} {standing(value['status'])}"
    return ""


def one_line(value: Any) -> str:
    """Spell a stored value for people, as short JSON."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False)


def pretty(value: Any) -> str:
    """Spell a stored value for people, as JSON of several lines."""
    text = json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False)
    return "\n".join(safe(line) for line in text.splitlines())


def plain(value: Any) -> Any:
    """Give a stored value as plain JSON; what JSON cannot say is in the tagged form of the codec."""
    kind = type(value)
    if kind is list:
        return [plain(item) for item in value]
    if kind in COLLECTIONS:
        items = [plain(item) for item in value]
        return {COLLECTIONS[kind]: items if kind is tuple else sorted(items, key=json.dumps)}
    if isinstance(value, Mapping):
        return _plain_object(value)
    return value if _is_plain(value) else codec.loads(codec.encode(value, limits=WIDE_LIMITS))


def _is_plain(value: Any) -> bool:
    if type(value) is float:
        return math.isfinite(value)
    if type(value) is int:
        return abs(value) < LONGEST_INT
    if type(value) is str:
        return value.isascii() or _ONE_IN_JSON.search(value) is None
    return value is None or type(value) is bool


def _plain_object(value: Mapping[Any, Any]) -> dict[str, Any]:
    if all(type(key) is str and _is_plain(key) for key in value):
        return {f"${key}" if key.startswith("$") else key: plain(item) for key, item in value.items()}
    return {"$dict": [plain(part) for pair in value.items() for part in pair]}


def _moment(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__} is not plain JSON")


def _ascii_where_unsafe(text: str) -> str:
    """Escape in JSON what a terminal might obey or the stream cannot say; it stands inside strings only."""
    if text.isascii() and DELETE not in text:
        return text
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    is_unicode = encoding.lower().replace("-", "") == "utf8"
    return "".join(
        char if char == "\n" or (char.isprintable() and (is_unicode or char.isascii())) else _escaped(char)
        for char in text
    )


def _escaped(char: str) -> str:
    return "\\u007f" if char == DELETE else json.dumps(char)[1:-1]


def _cell(value: Cell | str) -> Cell:
    return Cell(safe(value.text), value.style) if isinstance(value, Cell) else Cell(safe(value))


def _fitted(columns: Sequence[Column], longest: Sequence[int], room: int) -> list[int]:
    """Give each column its width on a terminal; 0 drops it.

    Luxuries go first, the last of them before the others; then what yields is cut, the widest first.
    """
    widths = list(longest)

    def excess(least: Sequence[int]) -> int:
        shown = [least[index] for index, wide in enumerate(widths) if wide]
        return sum(shown) + len(GAP) * (len(shown) - 1) - room

    floor = [min(wide, LEAST_ROOM) if column.yields else wide for column, wide in zip(columns, longest, strict=True)]
    for index in reversed(range(len(columns))):
        if columns[index].is_luxury and excess(floor) > 0:
            widths[index] = 0
    while excess(widths) > 0:
        widest = max(range(len(columns)), key=lambda index: widths[index] - floor[index])
        if widths[widest] <= floor[widest]:
            break
        widths[widest] -= 1
    return widths


def _padded(cell: Cell, room: int, column: Column) -> str:
    text = cut(cell.text, room)
    space = " " * (room - width(text))
    return space + text if column.right else text + space


class _Paint:
    """Colours lines for the terminal; NO_COLOR and TERM are honoured by rich."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415  # rich is for terminals
        from rich.text import Text  # noqa: PLC0415

        self._text = Text
        self._console = Console(file=io.StringIO(), force_terminal=True, highlight=False, soft_wrap=True)
        self.room = self._console.width

    def fold(self, text: str, room: int) -> list[str]:
        """Give text in lines of at most so many columns."""
        return [line.plain for line in self._text(text).wrap(self._console, room)]

    def folded(self, cells: Sequence[Cell], widths: Sequence[int], columns: Sequence[Column]) -> Iterator[list[Cell]]:
        """Give a line of a table as those that it takes."""
        parts = [
            [Cell(part, cell.style) for part in self._few(cell.text, room)] if column.folds and room else [cell]
            for cell, room, column in zip(cells, widths, columns, strict=True)
        ]
        for line in zip_longest(*parts, fillvalue=Cell("")):
            yield list(line)

    def _few(self, text: str, room: int) -> list[str]:
        lines = self.fold(text, room)
        if len(lines) > MOST_LINES:
            lines[MOST_LINES - 1 :] = [cut(f"{lines[MOST_LINES - 1]} …", room)]
        return lines

    def line(self, parts: Sequence[tuple[str, str]]) -> str:
        """Join parts, text and style each, with a gap."""
        joined = self._text(GAP).join(self._text(text, style) for text, style in parts)
        joined.rstrip()
        with self._console.capture() as captured:
            self._console.print(joined, end="")
        return captured.get()
