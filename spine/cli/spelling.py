"""How values are spelled for people: safe text, durations, sizes, times."""

import re
from datetime import UTC, datetime, timedelta

from spine.records.run import standing

LONGEST_LINE = 6000
LONGEST_SECONDS = timedelta.max.total_seconds()
_PASSWORD_IN_URL = re.compile(r"(://[^\s:/?#@]*:)\S*@")
_SECRET_IN_FIELD = re.compile(
    r"(\b\w*(?:password|passwd|passfile|secret|scram_client_key|scram_server_key)\s*=\s*)"
    r"('[^']*'|\"[^\"]*\"|[^\s&'\")]+)",
    re.IGNORECASE,
)
_SECONDS = ((86_400, "d"), (3600, "h"), (60, "min"))


def safe(text: object) -> str:
    """Give text on one line that no terminal obeys: what is not printable is escaped, passwords of URLs are hidden."""
    written = hidden(str(text))
    if not written.isprintable():
        written = "".join(char if char.isprintable() else _escaped(char) for char in written)
    return written if len(written) <= LONGEST_LINE else f"{written[: LONGEST_LINE - 1]}…"


def hidden(text: str) -> str:
    """Give text without the passwords and other secrets that URLs and connection strings carry."""
    if "://" in text:
        text = _PASSWORD_IN_URL.sub(r"\1***@", text)
    return _SECRET_IN_FIELD.sub(r"\1***", text) if "=" in text else text


def width(text: str) -> int:
    """Count the columns of a terminal that safe text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415  # only letters that may be wide need it

    return cell_len(text)


def cut(text: str, room: int) -> str:
    """Give safe text, cut to so many columns, two or more, if it is longer."""
    if width(text) <= room:
        return text
    from rich.cells import chop_cells  # noqa: PLC0415  # as above

    return f"{chop_cells(text, room - 1)[0]}…"


def duration(seconds: float) -> str:
    """Spell seconds: `42 ms`, `1.2 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`."""
    if seconds < 0.9995:  # noqa: PLR2004
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 59.95:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:  # noqa: PLR2004
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86_400:  # noqa: PLR2004
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def took(seconds: object) -> str:
    """Spell the duration that the metadata of a checkpoint tell; nothing for what is none."""
    if isinstance(seconds, (int, float)) and 0 <= seconds <= LONGEST_SECONDS:
        return duration(seconds)
    return ""


def ago(moment: datetime, now: datetime) -> str:
    """Spell how long ago a moment was, in its largest unit."""
    seconds = (now - moment).total_seconds()
    for size, unit in _SECONDS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"


def size(count: int) -> str:
    """Spell a number of bytes."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:  # noqa: PLR2004
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def moment(when: datetime | None) -> str:
    """Spell a time, in UTC, to the second; nothing for none."""
    return "" if when is None else f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def failure(error_type: str | None, error: str | None) -> str:
    """Spell an error; a step that said itself why it failed needs no name for that."""
    if error is None:
        return ""
    return error if error_type in (None, "StepFailed") else f"{error_type}: {error}"


def ending(status: str, step: str | None, error_type: str | None, error: str | None) -> str:
    """Spell how a run ended that did not complete: `failed at load: ConnectionError: no route`."""
    said = failure(error_type, error)
    why = f": {said}" if said else ""
    return f"{status} at {step}{why}" if step is not None else f"{standing(status)}{why}"


def count(number: int, noun: str) -> str:
    """Spell a number of things: `1 step`, `3 steps`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def holds_secret(url: str) -> bool:
    """Tell whether a URL has a password, or another secret among its options."""
    from spine.stores.sql.url import parse_url, secrets_in  # noqa: PLC0415  # SQLAlchemy is slow to import

    parsed = parse_url(url)
    return parsed.password is not None or bool(secrets_in(parsed))
