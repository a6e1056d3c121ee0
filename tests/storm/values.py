"""Values that are easily changed on their way through a database."""

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

HARD_VALUES: tuple[Any, ...] = (
    None,
    True,
    "",
    0,
    -0.0,
    0.1 + 0.2,
    1e16,
    1e22,
    5e-324,
    math.inf,
    math.nan,
    2**63,
    -(2**200),
    Decimal("1.10"),
    Decimal("NaN"),
    datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
    datetime(2026, 1, 10, 12, 0, 0, 1, tzinfo=UTC),
    datetime(2026, 1, 10, 12, 0),  # noqa: DTZ001  # one without a zone must stay without
    date(1, 1, 1),
    time(23, 59, 59, 999999),
    timedelta(days=-1, microseconds=1),
    UUID(int=1),
    b"\x00\xff",
    "NUL \0 and a lone surrogate \ud800",
    "quote ' \" \\ ; DROP TABLE core_workflow_runs; -- %s ? :name $1",
    "\u202e right to left, \U0001f300",
    "long " * 1000,
    (1, (2, ()), [3, {}]),
    {3, 1, 2},
    frozenset({"a", "b"}),
    [[[[[[[[]]]]]]]],
    {"b": 1, "a": {"z": 1, "y": [1, 2.0, "3"]}},
    {1: "one", (2, 3): "two", None: "none", "1": "text"},
    {"$date": "2026-01-10", "$other": 1},
    {"rows": [{"id": number, "price": Decimal(number) / 100} for number in range(40)]},
)
