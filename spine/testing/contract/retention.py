"""What a store promises of retention: a run's checkpoints all go or all stay."""

from typing import Any

import pytest

from spine.errors import CheckpointNotFound
from spine.records.claim import Ending
from spine.stores.protocol import PurgeOrder, Store
from spine.testing.contract.drive import (
    CANCELLED,
    COMPLETED,
    FAILED,
    STEPS,
    WAITING,
    at_once,
    claim_of,
    crash,
    create,
    everything,
    new_run,
    run_to,
    take_over,
    wait_until,
)

A_MOMENT = 1e-9


def _order(*, days: float = A_MOMENT, failed_days: float = A_MOMENT, **fields: Any) -> PurgeOrder:
    return PurgeOrder(days=days, failed_days=failed_days, **fields)


def _wait_until_old(store: Store, count: int) -> None:
    wait_until(lambda: len(store.preview_purge(_order()).runs) == count)


def _purge_one_and_delete_another(store: Store) -> tuple[Any, Any]:
    """Remove the checkpoints of two runs, `purged` and `deleted`, and tell all that is left of them."""
    run_to(store, COMPLETED, "purged")
    run_to(store, COMPLETED, "deleted")
    _wait_until_old(store, 2)
    store.delete_checkpoints("deleted")
    store.purge_runs(_order())
    return everything(store, "purged"), everything(store, "deleted")


def _expired(store: Store, order: PurgeOrder) -> list[str]:
    return list(store.preview_purge(order).runs)


class RetentionContract:
    """What a store promises of retention."""

    @pytest.mark.parametrize("ending", [COMPLETED, FAILED, CANCELLED], ids=lambda ending: ending.status)
    def test_a_run_that_ended_long_ago_loses_all_its_checkpoints(self, store: Store, ending: Ending) -> None:
        run_to(store, ending)
        _wait_until_old(store, 1)

        batch = store.purge_runs(_order())

        assert (batch.runs, batch.checkpoints) == (("run-1",), 3)
        run = store.get_run("run-1")
        assert (run.status, run.removed_because) == (ending.status, "expired")
        assert run.removed_at is not None
        assert run.context == store.get_first_context("run-1")
        assert store.list_checkpoints("run-1") == []
        with pytest.raises(CheckpointNotFound):
            store.get_checkpoint("run-1")

    def test_a_run_without_checkpoints_expires_too(self, store: Store) -> None:
        run_to(store, FAILED, steps=())
        _wait_until_old(store, 1)

        batch = store.purge_runs(_order())

        assert (batch.runs, batch.checkpoints) == (("run-1",), 0)

    def test_a_run_that_ended_lately_keeps_its_checkpoints(self, store: Store) -> None:
        run_to(store, COMPLETED)
        run_to(store, FAILED, "run-2")

        batch = store.purge_runs(_order(days=1, failed_days=1))

        assert (batch.runs, batch.checkpoints) == ((), 0)
        assert len(store.list_checkpoints("run-1")) == len(store.list_checkpoints("run-2")) == 3

    def test_a_run_that_has_not_ended_is_never_purged(self, store: Store) -> None:
        create(store, new_run("running"))
        crash(store, "crashed")
        run_to(store, WAITING, "waiting")
        run_to(store, FAILED, "resumed")
        take_over(store, "resumed")
        run_to(store, COMPLETED, "completed")
        _wait_until_old(store, 1)
        before = [everything(store, run_id) for run_id in ("running", "crashed", "waiting", "resumed")]

        batch = store.purge_runs(_order())

        assert batch.runs == ("completed",)
        assert [everything(store, kept.run.run_id) for kept in before] == before

    def test_failed_and_cancelled_runs_have_a_window_of_their_own(self, store: Store) -> None:
        run_to(store, COMPLETED, "completed")
        run_to(store, FAILED, "failed")
        run_to(store, CANCELLED, "cancelled")
        _wait_until_old(store, 3)

        assert _expired(store, _order(failed_days=1)) == ["completed"]
        assert sorted(_expired(store, _order(days=1))) == ["cancelled", "failed"]
        assert store.purge_runs(_order(failed_days=1)).runs == ("completed",)
        assert store.purge_runs(_order(days=1)).runs == ("cancelled", "failed")

    def test_a_list_of_what_would_go_takes_nothing(self, store: Store) -> None:
        for count, number in enumerate((2, 0, 1), 1):
            run_to(store, COMPLETED, f"run-{number}")
            _wait_until_old(store, count)
        before = everything(store, "run-0")

        assert _expired(store, _order()) == ["run-2", "run-0", "run-1"]
        assert everything(store, "run-0") == before

    def test_a_purge_takes_a_batch_at_a_time(self, store: Store) -> None:
        for number in range(5):
            run_to(store, COMPLETED, f"run-{number}", steps=STEPS[:2])
        _wait_until_old(store, 5)

        counted = store.preview_purge(_order(batch=2))
        batches = [store.purge_runs(_order(batch=2)) for _ in range(4)]

        assert (len(counted.runs), counted.checkpoints) == (5, 10)
        assert [len(batch.runs) for batch in batches] == [2, 2, 1, 0]
        assert [batch.checkpoints for batch in batches] == [4, 4, 2, 0]
        assert sorted(run_id for batch in batches for run_id in batch.runs) == [f"run-{number}" for number in range(5)]

    def test_a_purge_may_be_narrowed_to_some_workflows(self, store: Store) -> None:
        for name in ("orders", "flights", "invoices"):
            run_to(store, COMPLETED, name, workflow=name)
        _wait_until_old(store, 3)

        assert store.purge_runs(_order(workflows=frozenset())).runs == ()
        assert _expired(store, _order(workflows=frozenset({"orders"}))) == ["orders"]
        assert store.purge_runs(_order(workflows=frozenset({"flights", "orders", "none"}))).runs == (
            "flights",
            "orders",
        )
        assert len(store.list_checkpoints("invoices")) == 3

    def test_a_run_that_was_purged_or_deleted_is_not_deleted_again(self, store: Store) -> None:
        before = _purge_one_and_delete_another(store)

        assert store.delete_checkpoints("purged") == store.delete_checkpoints("deleted") == 0

        assert (everything(store, "purged"), everything(store, "deleted")) == before
        assert store.get_run("purged").removed_because == "expired"

    def test_a_run_that_was_purged_or_deleted_is_not_purged_again(self, store: Store) -> None:
        before = _purge_one_and_delete_another(store)

        batch = store.purge_runs(_order())

        assert (batch.runs, batch.checkpoints) == ((), 0)
        assert (everything(store, "purged"), everything(store, "deleted")) == before
        assert store.get_run("deleted").removed_because == "deleted"

    def test_a_run_that_was_purged_cannot_be_taken(self, store: Store) -> None:
        run_to(store, FAILED)
        seen = store.get_claimable("run-1")
        _wait_until_old(store, 1)
        store.purge_runs(_order())

        assert store.claim_run(claim_of(seen)) is None
        assert store.claim_run(claim_of(store.get_claimable("run-1"))) is None

    def test_several_purges_at_once_do_no_harm(self, store: Store) -> None:
        for number in range(12):
            run_to(store, COMPLETED, f"run-{number:02}", steps=STEPS[:2])
        _wait_until_old(store, 12)

        def purge(_: int) -> list[tuple[tuple[str, ...], int]]:
            batches = [store.purge_runs(_order(batch=2)) for _ in range(7)]
            return [(batch.runs, batch.checkpoints) for batch in batches]

        batches = [batch for purged in at_once(4, purge) for batch in purged]

        assert sorted(run_id for runs, _ in batches for run_id in runs) == [f"run-{number:02}" for number in range(12)]
        assert all(removed == 2 * len(runs) for runs, removed in batches)
        assert sum(removed for _, removed in batches) == 24

    def test_a_run_is_purged_or_taken_but_not_both(self, store: Store) -> None:
        for number in range(5):
            run_id = f"run-{number}"
            run_to(store, FAILED, run_id, steps=("extract",))
            _wait_until_old(store, 1)
            claim = claim_of(store.get_claimable(run_id))

            acts = (lambda claim=claim: store.claim_run(claim), lambda: store.purge_runs(_order()).runs)
            lease, purged = at_once(2, lambda who, acts=acts: acts[who]())  # type: ignore[misc]

            assert (lease is None) == (purged == (run_id,))
            assert len(store.list_checkpoints(run_id)) == (0 if lease is None else 1)
