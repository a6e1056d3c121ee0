"""What a store promises of values: what comes out is what went in, types and order of keys included."""

import math
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from spine.records.quality import QualityMetrics
from spine.records.resume_point import ResumePoint
from spine.records.values import Values
from spine.stores.protocol import Store
from spine.testing.contract.drive import FAILED, driving, run_to, take_over

HARD_VALUES: dict[str, Any] = {
    "numbers": [0, -1, 2**53 + 1, 2**63 - 1, -(2**63), 2**64, 10**400, 0.1, 1e15, 1e16, 1e22, 1e-7, 5e-324],
    "odd floats": [-0.0, 0.0, math.inf, -math.inf, math.nan, sys.float_info.max, 1.0, 100.0],
    "nothing": [None, True, False, "", [], {}, [[]], [{}], {"": ""}],
    "text": ["\0", "a\0b", "\ud800", "\\u0000", "\N{GRINNING FACE}", "\N{RIGHT-TO-LEFT MARK}", "line\nbreak", "\x7f"],
    "times": [
        datetime(2026, 1, 10, 12, 30, 0, 123456),  # noqa: DTZ001  # a time without a zone is a value too
        datetime(2026, 1, 10, 12, 30, tzinfo=UTC),
        datetime(2026, 1, 10, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
        date(1, 1, 1),
        time(23, 59, 59, 999999),
        timedelta(days=-1, microseconds=1),
    ],
    "others": [Decimal("1.10"), Decimal("NaN"), UUID(int=7), b"", b"\x00\xff", (), (1, (2,)), {3}, frozenset({"a"})],
    "keys": {1: "int", "1": "text", None: "none", (1, 2): "tuple"},
    "order": {"zz": 1, "a": {"y": 1, "b": 2, "aa": 3}, "m": [{"q": 1, "p": 2}, {"p": 1, "q": 2}], "b": 0},
    "like ours": {"$date": "not one", "$$": 1, "$order": [], "$dict": {"$tuple": [1]}},
    "longest int key": {"9" * 60: 1, "\N{GRINNING FACE}": 2, "\0": 3},
}


class ValuesContract:
    """What a store promises of values."""

    def test_a_value_comes_back_as_it_was(self, store: Store) -> None:
        for kind, value in HARD_VALUES.items():
            given = {"zeta": value, "alpha": value, "mid": [value]}
            quality = QualityMetrics(passed=False, record_count=0, zeta=value, alpha=0.5)

            with driving(store, kind, params=given, partition=given) as drive:
                drive.save("transform", given, quality=quality, metadata=given)
                drive.save("extract", given)

            first, context = store.get_first_context(kind), store.get_run(kind).context
            for values in (first.params, first.partition, context.params, context.partition):
                assert _spelled(values) == repr(given)
            assert _spelled(context.outputs) == repr({"transform": given, "extract": given})
            assert repr(context.quality_metrics["transform"]) == repr(quality)
            assert _spelled(store.get_checkpoint(kind, "transform").metadata) == repr(given)

    def test_a_claim_is_told_what_was_said(self, store: Store) -> None:
        given = {"zeta": HARD_VALUES, "alpha": 1}
        run_to(store, FAILED, steps=())
        with driving(store, "other", params=given, partition=given) as drive:
            drive.save("extract", given)

        told = ResumePoint(
            step="load", params=Values.of(given, at="params"), context=replace(drive.context, run_id="run-1")
        )
        take_over(store, resume_point=told)

        point = store.get_claimable("run-1").resume_point
        assert point is not None
        assert point.context is not None
        assert _spelled(point.params) == repr(given)
        assert _spelled(point.context.params) == repr(given)
        assert _spelled(point.context.partition) == repr(given)
        assert _spelled(point.context.outputs) == repr({"extract": given})


def _spelled(values: Any) -> str:
    """Spell values with their types and the order of their keys, which `==` does not compare."""
    return repr(dict(values))
