"""What the codec's tests compare by: a value's exact spelling, and JSON as JSONB gives it back."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo


def spelled(value: Any) -> str:
    """Spell a value with all that must survive: types, order of keys, signs of zero, scale, zone."""
    kind = type(value).__name__
    if isinstance(value, dict):
        inside = ", ".join(f"{spelled(key)}: {spelled(item)}" for key, item in value.items())
    elif isinstance(value, (set, frozenset)):
        inside = ", ".join(sorted(map(spelled, value)))
    elif isinstance(value, (list, tuple)):
        inside = ", ".join(map(spelled, value))
    elif isinstance(value, datetime):
        zone = value.tzinfo.key if isinstance(value.tzinfo, ZoneInfo) else ""
        inside = f"{value.isoformat()} {value.fold} {zone}"
    elif isinstance(value, Decimal):
        inside = str(value)
    else:
        inside = hex(value) if type(value) is int else repr(value)  # Python prints no very long decimals
    return f"{kind}({inside})"


def jsonb(document: bytes) -> bytes:
    """Reprint JSON: keys sorted by length and bytes, the last of equal keys kept, numbers as `numeric` prints them."""
    return _printed(json.loads(document, parse_float=Decimal, parse_int=Decimal)).encode()


def _printed(value: Any) -> str:
    if isinstance(value, dict):
        ordered = sorted(value.items(), key=lambda entry: (len(entry[0].encode()), entry[0].encode()))
        return "{" + ", ".join(f"{json.dumps(key)}: {_printed(item)}" for key, item in ordered) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_printed, value)) + "]"
    if isinstance(value, Decimal):
        return f"{value or abs(value):f}"
    return json.dumps(value, ensure_ascii=False)
