"""A runner with days purges by itself, not more than hourly, and only what it knows."""

import pytest

from spine import clock
from spine.errors import StoreBusy
from spine.orchestration.registry import Registry
from spine.orchestration.upkeep import SECONDS_BETWEEN, Upkeep
from spine.orchestration.workflow import Workflow
from spine.steps.step import Step
from spine.stores.protocol import PurgedBatch, PurgeOrder


class Asked:
    """As much of a store as upkeep asks for."""

    def __init__(self) -> None:
        self.orders: list[PurgeOrder] = []
        self.busy = False

    def purge_runs(self, order: PurgeOrder, **_by) -> PurgedBatch:
        self.orders.append(order)
        if self.busy:
            raise StoreBusy("not now")
        return PurgedBatch(runs=("1",), checkpoints=2)


@pytest.fixture
def registry() -> Registry:
    registry = Registry()
    registry.add_workflow(Workflow("known", [Step.lambda_("a", lambda ctx, config: {})]))
    return registry


@pytest.fixture
def time(monkeypatch) -> list[float]:
    """A clock that stands still until it is moved."""
    time = [100.0]
    monkeypatch.setattr(clock, "stopwatch", lambda: time[0])
    return time


def test_one_batch_an_hour_of_the_workflows_it_knows(registry, time):
    store = Asked()
    upkeep = Upkeep(store, registry, days=7)

    upkeep.run_if_due()
    upkeep.run_if_due()
    time[0] += SECONDS_BETWEEN - 1
    upkeep.run_if_due()
    assert [(order.days, order.workflows) for order in store.orders] == [(7, {"known"})]

    time[0] += 1
    upkeep.run_if_due()
    assert len(store.orders) == 2


def test_without_days_nothing_is_asked(registry, time):
    store = Asked()

    Upkeep(store, registry, days=None).run_if_due()

    assert store.orders == []


def test_a_purge_that_fails_is_logged_and_fails_nothing(registry, time, caplog):
    store = Asked()
    store.busy = True

    Upkeep(store, registry, days=7).run_if_due()

    assert "retention.failed error='not now'" in caplog.text
