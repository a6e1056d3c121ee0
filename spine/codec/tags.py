"""The tagged forms of single values that JSON cannot say, such as `{"$date": "2026-01-10"}`."""

import json
import math
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from spine.codec.secret import Secret

LARGEST_PLAIN_INT = 2**63 - 1
_BETWEEN_SURROGATES = re.compile("(?<=[\ud800-\udbff])(?=[\udc00-\udfff])")
PLAIN_FLOATS = (1e-16, 1e16)  # JSONB turns 1e16 into an integer


def is_plain_text(text: str) -> bool:
    """Tell whether both databases keep this text: no NUL character, no lone surrogate."""
    if "\0" in text:
        return False
    return text.isascii() or _is_unicode(text)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_plain_float(number: float) -> bool:
    """Tell whether JSONB gives back this float as the same float; -0.0, 1e22 and NaN it does not."""
    least, beyond = PLAIN_FLOATS
    return least <= abs(number) < beyond or (number == 0 and math.copysign(1, number) > 0)


def tag_text(text: str) -> Any:
    """Give text as it is, or tagged with its JSON escapes, in parts where two would be read as one character."""
    if is_plain_text(text):
        return text
    parts = [json.dumps(part)[1:-1] for part in _BETWEEN_SURROGATES.split(text)]
    return {"$str": parts[0]} if len(parts) == 1 else {"$parts": parts}


def _untag_text(escaped: str) -> str:
    return str(json.loads(f'"{escaped}"'))


def tag_int(number: int) -> Any:
    """Give an integer as it is, or in hexadecimal (decimal text has a size limit in Python)."""
    return number if -LARGEST_PLAIN_INT - 1 <= number <= LARGEST_PLAIN_INT else {"$int": hex(number)}


def tag_float(number: float) -> Any:
    """Give a float as it is, or as its shortest exact text."""
    return number if is_plain_float(number) else {"$float": repr(number)}


_ODD_OFFSET = "a UTC offset of less than a second, which Python does not read back; convert it to UTC"


def _tag_datetime(moment: datetime) -> Any:
    text = moment.isoformat()
    if isinstance(moment.tzinfo, ZoneInfo):
        text += f"[{moment.tzinfo.key}]"
    return {"$datetime": text}


def _untag_datetime(text: str) -> datetime:
    instant, _, zone = text.rstrip("]").partition("[")
    moment = datetime.fromisoformat(instant)
    try:
        return moment.astimezone(ZoneInfo(zone)) if zone else moment
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(f"no data about the time zone {zone!r} here: install tzdata, or is it misspelt?") from error


def _refuse_other_zones(moment: datetime) -> str | None:
    zone = moment.tzinfo
    if zone is not None and type(zone) not in (timezone, ZoneInfo):
        return f"a datetime with a {type(zone).__module__} time zone; use datetime.timezone or zoneinfo.ZoneInfo"
    if isinstance(zone, ZoneInfo) and not zone.key:
        return "a datetime with a time zone that has no name"
    try:
        back = _untag_datetime(_tag_datetime(moment)["$datetime"])
    except OverflowError:
        return "a datetime too near to the first or last day there is; convert it to UTC"
    except (ValueError, KeyError):
        return "a datetime with a time zone that cannot be found by its name; convert it to UTC"
    if (back.replace(tzinfo=None), back.fold) != (moment.replace(tzinfo=None), moment.fold):
        return "a local time that does not exist, or a fold without a zone; convert it to UTC"
    return _ODD_OFFSET if back.utcoffset() != moment.utcoffset() else None


def _refuse_odd_times(clock: time) -> str | None:
    if clock.fold or (clock.tzinfo is not None and type(clock.tzinfo) is not timezone):
        return "a time with a named zone or a fold; keep a datetime instead"
    return _ODD_OFFSET if time.fromisoformat(clock.isoformat()).utcoffset() != clock.utcoffset() else None


def _untag_timedelta(parts: list[int]) -> timedelta:
    days, seconds, microseconds = parts
    return timedelta(days=days, seconds=seconds, microseconds=microseconds)


TAGGERS: dict[type, Callable[[Any], Any]] = {
    datetime: _tag_datetime,
    date: lambda day: {"$date": day.isoformat()},
    time: lambda clock: {"$time": clock.isoformat()},
    timedelta: lambda span: {"$timedelta": [span.days, span.seconds, span.microseconds]},
    Decimal: lambda number: {"$decimal": str(number)},
    UUID: lambda uuid: {"$uuid": str(uuid)},
    Secret: lambda secret: {"$secret": secret.name},
    bytes: lambda data: {"$bytes": b64encode(data).decode("ascii")},
}

COLLECTIONS: dict[type, str] = {tuple: "$tuple", set: "$set", frozenset: "$frozenset"}

REFUSALS: dict[type, Callable[[Any], str | None]] = {
    datetime: _refuse_other_zones,
    time: _refuse_odd_times,
}

UNTAGGERS: dict[str, Callable[[Any], Any]] = {
    "$str": _untag_text,
    "$parts": lambda parts: "".join(map(_untag_text, parts)),
    "$int": lambda digits: int(digits, 0),
    "$float": float,
    "$datetime": _untag_datetime,
    "$date": date.fromisoformat,
    "$time": time.fromisoformat,
    "$timedelta": _untag_timedelta,
    "$decimal": Decimal,
    "$uuid": UUID,
    "$secret": Secret,
    "$bytes": lambda text: b64decode(text, validate=True),
    "$tuple": tuple,
    "$set": set,
    "$frozenset": frozenset,
    "$dict": lambda flat: dict(zip(flat[::2], flat[1::2], strict=True)),
}
