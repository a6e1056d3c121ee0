"""What a store promises of events: the transaction that does something to a run says so."""

from datetime import UTC, timedelta

import pytest

from spine import clock
from spine.errors import LeaseLost
from spine.records.event import Actor, Event
from spine.stores.protocol import PurgeOrder, Store
from spine.testing.contract.drive import (
    COMPLETED,
    FAILED,
    crash,
    create,
    driving,
    holding,
    new_run,
    run_to,
    take_over,
    wait_until,
)

CAROL = Actor(name="carol@there/3", reason="the \N{LATIN SMALL LETTER U WITH DIAERESIS}bung is over")
OLD = PurgeOrder(days=1e-9, failed_days=1e-9)


class EventsContract:
    """What a store promises of events."""

    def test_the_start_of_a_run_is_noted_with_who_and_why(self, store: Store) -> None:
        create(store, new_run(reason="month end"))

        made, started = store.list_events("run-1")

        assert (made.kind, started.kind) == ("run.created", "run.started")
        assert (started.run_id, started.workflow_name) == ("run-1", "orders")
        assert (started.actor, started.reason) == ("ann@here/1", "month end")
        assert started.at.tzinfo is UTC
        assert abs(started.at - clock.now()) < timedelta(minutes=5)

    def test_the_end_of_a_run_is_noted_with_its_error(self, store: Store) -> None:
        run_to(store, FAILED)
        with driving(store, "run-2") as drive:
            drive.save("load", ending=COMPLETED)

        failed, completed = store.list_events("run-1")[-1], store.list_events("run-2")[-1]

        assert (failed.kind, failed.step, failed.actor) == ("run.failed", "load", "ann@here/1")
        assert (failed.error, failed.error_type) == ("the warehouse is down", "ConnectionError")
        assert (completed.kind, completed.error, completed.actor) == ("run.completed", None, "ann@here/1")

    def test_whoever_goes_on_with_a_run_is_noted(self, store: Store) -> None:
        run_to(store, FAILED, "failed")
        crash(store, "crashed")

        take_over(store, "failed", reason="repaired", details={"start_from": "load", "params": {"limit": 9}})
        take_over(store, "crashed")

        resumed, taken = store.list_events("failed")[-1], store.list_events("crashed")[-1]
        assert (resumed.kind, resumed.actor, resumed.reason) == ("run.resumed", "bob@there/2", "repaired")
        assert resumed.fields["start_from"] == "load"
        assert resumed.fields["params"] == {"limit": 9}
        assert (taken.kind, taken.actor, taken.reason) == ("run.taken_over", "bob@there/2", None)

    def test_whoever_cancels_deletes_or_purges_is_noted(self, store: Store) -> None:
        create(store, new_run("cancelled"))
        run_to(store, FAILED, "deleted")
        run_to(store, COMPLETED, "purged")
        wait_until(lambda: len(store.preview_purge(OLD).runs) == 2)

        store.delete_checkpoints("deleted", by=CAROL)
        store.purge_runs(OLD, by=CAROL)
        store.cancel_run("cancelled", by=CAROL)

        last = [store.list_events(run_id)[-1] for run_id in ("cancelled", "deleted", "purged")]
        assert [event.kind for event in last] == ["run.cancelled", "checkpoints.deleted", "checkpoints.purged"]
        assert {(event.actor, event.reason) for event in last} == {(CAROL.name, CAROL.reason)}

    def test_what_was_refused_is_not_noted(self, store: Store) -> None:
        lease = crash(store)
        new_lease = take_over(store)
        before = _told(store)

        store.create_run(new_run())
        store.delete_checkpoints("run-1")
        store.purge_runs(OLD)
        with holding(store, lease, store.get_run("run-1").context) as zombie:
            with pytest.raises(LeaseLost):
                zombie.save("load", ending=COMPLETED)
            with pytest.raises(LeaseLost):
                zombie.writer.end_run(FAILED)

        assert _told(store) == before
        with holding(store, new_lease, store.get_run("run-1").context) as drive:
            drive.writer.end_run(COMPLETED)
        store.cancel_run("run-1")
        assert [event.kind for event in store.list_events("run-1")][-1] == "run.completed"

    def test_events_are_in_the_order_they_happened(self, store: Store) -> None:
        run_to(store, FAILED)
        create(store, new_run("run-2"))
        for _ in range(3):
            take_over(store)
            store.cancel_run("run-1")

        told = _told(store)

        assert [event.kind for event in told] == [
            "run.created",
            "run.started",
            "run.failed",
            *["run.resumed", "run.cancelled"] * 3,
        ]
        assert [event.at for event in told] == sorted(event.at for event in told)
        assert {event.run_id for event in told} == {"run-1"}

    def test_steps_and_heartbeats_are_not_noted(self, store: Store) -> None:
        with driving(store) as drive:
            before = _told(store)
            drive.save("extract")
            store.renew_leases([drive.lease], lease_seconds=60)

        assert _told(store) == before


def _told(store: Store) -> list[Event]:
    return store.list_events("run-1")
