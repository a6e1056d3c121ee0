"""How many days, and batch after batch."""

import math
from datetime import timedelta

import pytest

from spine import retention
from spine.errors import InvalidSetting
from spine.stores.protocol import PurgedBatch, PurgeOrder


@pytest.mark.parametrize("days", [1, 0.001, 7.5, 36_500])
def test_days_are_a_number(days):
    assert retention.parse_days(days) == days


@pytest.mark.parametrize(
    "days", [0, -1, 36_500.1, math.nan, math.inf, -math.inf, 10**400, True, "7", None, [7], timedelta(days=7), 7j]
)
def test_anything_else_is_refused(days):
    with pytest.raises(InvalidSetting, match="days must be"):
        retention.parse_days(days)
    with pytest.raises(InvalidSetting):
        retention.order_for(days)


def test_failed_runs_stay_as_long_as_completed_ones_unless_told_otherwise():
    assert (retention.order_for(7).days, retention.order_for(7).failed_days) == (7, 7)
    assert retention.order_for(7, 30).failed_days == 30
    assert retention.order_for(7, workflows=frozenset({"w"})).workflows == {"w"}
    with pytest.raises(InvalidSetting, match="failed_days must be"):
        retention.order_for(7, 0)


class Batches:
    """As much of a store as a purge asks for."""

    def __init__(self, *batches: PurgedBatch) -> None:
        self.batches = list(batches)
        self.orders: list[PurgeOrder] = []

    def purge_runs(self, order: PurgeOrder, **_by) -> PurgedBatch:
        self.orders.append(order)
        return self.batches.pop(0) if self.batches else PurgedBatch(runs=(), checkpoints=0)


FULL = PurgedBatch(runs=("1", "2"), checkpoints=5)
ORPHANS = PurgedBatch(runs=(), checkpoints=3)


def test_a_purge_goes_on_until_nothing_is_left():
    store = Batches(FULL, ORPHANS, FULL)

    purged = retention.purge(store, retention.order_for(7))

    assert (purged.runs, purged.checkpoints, purged.dry_run) == (("1", "2", "1", "2"), 13, False)
    assert len(store.orders) == 4


def test_a_purge_may_be_bounded():
    store = Batches(FULL, FULL)

    assert retention.purge(store, retention.order_for(7), most_batches=1).runs == ("1", "2")
