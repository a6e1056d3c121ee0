"""The table of hard cases: each is kept exactly, or refused with its path."""

import collections
import dataclasses
import enum
import io
import math
import struct
import threading
import time
import types
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from datetime import time as clock_time
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from spine.codec import json as codec
from spine.codec.limits import Limits
from spine.errors import NotStorable
from spine.records.values import Values
from tests.unit.codec.spelling import jsonb, spelled

BERLIN = ZoneInfo("Europe/Berlin")
MICRO = timezone(timedelta(microseconds=1))

KEPT = {
    "not a number": math.nan,
    "infinities": [math.inf, -math.inf],
    "minus zero": [-0.0, 0.0],
    "floats that JSONB makes integers": [1e16, 1e22, 1e308, 5e-324, 1e-16, 9007199254740993.0, 123456789012345680.0],
    "floats with a zero fraction": [1.0, 100000.0, 1e15],
    "integers beyond 64 bits": [2**63, -(2**63) - 1, 10**5000],
    "booleans are not integers": [True, 1, False, 0],
    "text with NUL and lone surrogates": ["\0", "a\0b", "\ud800", "\udfff\ud800", "😀", "\u2028", "\\u0000"],
    "halves of a character beside it": ["\ud83d\ude00", "\ud83d\ude00\ud83d", {"\ud83d\ude00": 1, "😀": 2}],
    "text that looks like ours": ["$date", {"$date": "x"}, {"$$": 1}, {"$order": [["b", "a"]]}, {"$": {}}],
    "bytes": [b"", b"\x00\xff"],
    "tuples": [(), (1,), ((),), [(1, [2])]],
    "sets": [set(), {1, "a"}, frozenset({frozenset({1}), (1, 2)})],
    "decimals": [Decimal("1.10"), Decimal("-0"), Decimal("NaN"), Decimal("Infinity"), Decimal("1E+999")],
    "dates": [date.min, date.max, date(2026, 1, 10)],
    "moments without a zone": [datetime.min, datetime.max, datetime(2026, 1, 10, 12, 30, 0, 1)],  # noqa: DTZ001, DTZ901
    "moments with a zone": [
        datetime(2026, 1, 10, tzinfo=UTC),
        datetime(2026, 1, 10, tzinfo=timezone(timedelta(hours=5, minutes=45))),
        datetime(1900, 1, 1, tzinfo=timezone(timedelta(seconds=-1))),
        datetime(2026, 7, 1, tzinfo=BERLIN),
    ],
    "both moments when clocks go back": [
        datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN),
        datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1),
    ],
    "times of day": [clock_time(), clock_time(23, 59, 59, 999999), clock_time(1, tzinfo=UTC)],
    "spans": [timedelta.min, timedelta.max, timedelta(microseconds=-1)],
    "ids": UUID(int=0),
    "keys that are no text": {1: "a", "1": "b", None: "c", (1, 2): "d", 2.5: "e", b"x": "f", frozenset(): "g"},
    "empty and odd keys": {"": 1, " ": 2, "a.b": 3, "é": 4, "\0": 5, "\ud800": 6},
    "keys out of JSONB's order": {"zz": 1, "a": {"y": 1, "b": 2, "aa": 3}, "b": [{"q": 1, "p": 2}]},
    "one set of keys in two orders": [{"a": 1, "b": 2}, {"b": 1, "a": 2}],
    "a hundred levels": None,
    "a long list": list(range(10_000)),
}


def nested(levels: int, make: Any = lambda inner: [inner]) -> Any:
    value: Any = 0
    for _ in range(levels):
        value = make(value)
    return value


KEPT["a hundred levels"] = [
    nested(98),
    nested(98, lambda inner: (inner,)),
    nested(98, lambda inner: {"k": inner}),
    nested(98, lambda inner: {1: inner}),
    nested(98, lambda inner: frozenset({inner})),
]


@pytest.mark.parametrize("case", KEPT)
def test_kept_exactly(case):
    text = codec.encode(KEPT[case])

    assert spelled(codec.decode(text)) == spelled(KEPT[case])
    assert spelled(codec.decode(jsonb(text))) == spelled(KEPT[case])


class Text(str):
    __slots__ = ()


class Number(int):
    pass


class Colour(enum.Enum):
    RED = 1


class Shade(enum.StrEnum):
    DARK = "dark"


class Point(NamedTuple):
    x: int


@dataclasses.dataclass
class Row:
    x: int


class OddZone(tzinfo):
    def utcoffset(self, _when):
        return timedelta(hours=1)

    def dst(self, _when):
        return None


class Unspeakable:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    __str__ = __repr__


# A time zone file of one zone an hour east, as `ZoneInfo.from_file` reads it.
NAMELESS = ZoneInfo.from_file(
    io.BytesIO(b"TZif" + bytes(16) + struct.pack(">6l", 0, 0, 0, 0, 1, 4) + struct.pack(">lbb", 3600, 0, 0) + b"XYZ\0")
)


def cyclic_list() -> list:
    value: list = []
    value.append(value)
    return value


def cyclic_dict() -> dict:
    value: dict = {}
    value["self"] = {"again": value}
    return value


REFUSED = {
    "text subclass": (lambda: Text("a"), "convert it with str()"),
    "integer subclass": (lambda: Number(1), "convert it with int()"),
    "dict subclasses": (lambda: collections.OrderedDict(a=1), "convert it with dict()"),
    "default dict": (lambda: collections.defaultdict(int), "convert it with dict()"),
    "read-only dict": (lambda: types.MappingProxyType({}), "convert it with dict()"),
    "values of a context": (lambda: Values.of({"a": 1}, at="x"), "convert it with dict()"),
    "named tuple": (lambda: Point(1), "convert it with tuple()"),
    "enum": (lambda: Colour.RED, "Colour would lose its class; keep its .value"),
    "text enum": (lambda: Shade.DARK, "Shade would lose its class; keep its .value"),
    "dataclass": (lambda: Row(1), "Row cannot be stored as JSON; convert it with dataclasses.asdict()"),
    "class": (lambda: Row, "type cannot be stored"),
    "object": (object, "an object cannot be stored"),
    "object without a repr": (Unspeakable, "Unspeakable cannot be stored"),
    "generator": (lambda: (n for n in "ab"), "generator cannot be stored"),
    "range": (lambda: range(3), "range cannot be stored"),
    "complex number": (lambda: 1j, "complex cannot be stored"),
    "fraction": (lambda: Fraction(1, 3), "Fraction cannot be stored"),
    "path": (lambda: PurePosixPath("/"), "PurePosixPath cannot be stored as JSON; convert it with os.fspath()"),
    "open file": (io.StringIO, "StringIO cannot be stored"),
    "lock": (threading.Lock, "lock cannot be stored"),
    "function": (lambda: len, "builtin_function_or_method cannot be stored"),
    "bytearray": (lambda: bytearray(b"a"), "bytearray cannot be stored"),
    "memory view": (lambda: memoryview(b"a"), "memoryview cannot be stored"),
    "ellipsis": (lambda: ..., "ellipsis cannot be stored"),
    "exception": (lambda: ValueError("x"), "ValueError cannot be stored"),
    "struct time": (lambda: time.gmtime(0), "convert it with tuple()"),
    "offset of a moment of less than a second": (lambda: datetime(2026, 1, 10, tzinfo=MICRO), "convert it to UTC"),
    "offset of a time of less than a second": (lambda: clock_time(1, tzinfo=MICRO), "convert it to UTC"),
    "odd zone": (lambda: datetime(2026, 1, 10, tzinfo=OddZone()), "use datetime.timezone"),
    "zone without a name": (lambda: datetime(2026, 1, 10, tzinfo=NAMELESS), "has no name"),
    "skipped hour": (lambda: datetime(2026, 3, 29, 2, 30, tzinfo=BERLIN), "does not exist"),
    "fold without a zone": (lambda: datetime(2026, 1, 10, fold=1), "fold without a zone"),  # noqa: DTZ001
    "first day in a zone": (lambda: datetime.min.replace(tzinfo=ZoneInfo("Asia/Tokyo")), "first or last day"),
    "time in a zone": (lambda: clock_time(1, tzinfo=BERLIN), "keep a datetime"),
    "list that holds itself": (cyclic_list, "deeper than 100 levels, or a value that contains itself"),
    "dict that holds itself": (cyclic_dict, "deeper than 100 levels"),
    "deep list": (lambda: nested(10_000), "deeper than 100 levels"),
    "deep dict": (lambda: nested(10_000, lambda inner: {"k": inner}), "deeper than 100 levels"),
    "deep tuple": (lambda: nested(10_000, lambda inner: (inner,)), "deeper than 100 levels"),
    "deep frozenset": (lambda: nested(10_000, lambda inner: frozenset({inner})), "deeper than 100 levels"),
    "huge text": (lambda: "x" * 17_000_000, "more than 16,777,216 bytes"),
    "huge bytes": (lambda: b"x" * 13_000_000, "more than 16,777,216 bytes"),
    "huge number": (lambda: 1 << 80_000_000, "more than 16,777,216 bytes"),
    "huge list": (lambda: ["x" * 1_000_000] * 17, "more than 16,777,216 bytes"),
    "text that grows when it is escaped": (lambda: "\x01" * 4_000_000, "more than 16,777,216 bytes"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_its_path(case):
    make, reason = REFUSED[case]

    with pytest.raises(NotStorable) as refused:
        codec.encode({"rows": [0, {"price": make()}]}, at="outputs.load")

    assert refused.value.path.startswith("outputs.load")
    assert reason in refused.value.reason
    assert str(refused.value) == f"{refused.value.path}: {refused.value.reason}"
    assert len(str(refused.value)) < 9_000


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"rows": [0, 1, 2, {"price": 1j}]}, "outputs.load.rows[3].price"),
        ({"a b": {"": 1j}}, "outputs.load['a b']['']"),
        ({1: {True: 1j}}, "outputs.load[1][bool]"),
        ({(1, 2): 1j}, "outputs.load[tuple]"),
        ([({"x": {1j}},)], "outputs.load[0][0].x[0]"),
        ({"k" * 100: 1j}, f"outputs.load.{'k' * 57}..."),
        ({Text("k"): 1}, "outputs.load[Text]"),
        (1j, "outputs.load"),
    ],
)
def test_the_path_says_where(value, path):
    with pytest.raises(NotStorable) as refused:
        codec.encode(value, at="outputs.load")

    assert refused.value.path == path


def test_limits_are_settable():
    small = Limits(max_depth=2, max_bytes=20)

    assert codec.encode([["x"]], limits=small)
    with pytest.raises(NotStorable, match="deeper than 2 levels"):
        codec.encode([[[]]], limits=small)
    with pytest.raises(NotStorable, match="more than 20 bytes"):
        codec.encode("x" * 19, limits=small)


def test_a_list_that_another_thread_shortens_is_stored_as_it_was(monkeypatch):
    items = [(1,), 2, 3]
    put = codec._Encoder._put

    def shorten_and_put(encoder, item, *where):
        if item == 2:
            items.pop()
        put(encoder, item, *where)

    monkeypatch.setattr(codec._Encoder, "_put", shorten_and_put)

    assert codec.decode(codec.encode(items)) == [(1,), 2, 3]


@pytest.mark.parametrize("changed", [datetime(2026, 1, 10, tzinfo=UTC), 2**70, "\ud800"], ids=["type", "int", "text"])
def test_what_another_thread_makes_unstorable_meanwhile_is_refused(monkeypatch, changed):
    monkeypatch.setattr(codec, "orders_if_plain", lambda value, _limits: value.append(changed) or [])

    with pytest.raises(NotStorable, match="it changed while it was stored"):
        codec.encode([1])


def test_a_tag_that_comes_while_a_value_is_stored_is_escaped(monkeypatch):
    monkeypatch.setattr(codec, "orders_if_plain", lambda _value, _limits: [])  # it saw no tag yet

    assert codec.decode(codec.encode({"$set": 1})) == {"$set": 1}
    assert codec.encode({"price": "$5"}) == b'{"price":"$5"}'


def test_a_time_zone_that_this_machine_does_not_know_is_told_with_what_to_do():
    with pytest.raises(ValueError, match="no data about the time zone 'Mars/Base' here: install tzdata"):
        codec.decode(b'{"$datetime": "2026-01-12T06:00:00+00:00[Mars/Base]"}')
