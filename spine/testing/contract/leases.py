"""What a store promises of leases: whoever lost one writes nothing more."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from spine.errors import LeaseLost
from spine.records.lease import Lease
from spine.stores.protocol import PurgeOrder, Store
from spine.testing.contract.drive import (
    AN_INSTANT,
    COMPLETED,
    FAILED,
    HOUR,
    Drive,
    at_once,
    crash,
    create,
    driving,
    everything,
    holding,
    new_run,
    take_over,
    wait_until,
)

DAY = 86_400.0
WRITES: tuple[Callable[[Drive], object], ...] = (
    lambda drive: drive.save("load"),
    lambda drive: drive.save("load", ending=COMPLETED),
    lambda drive: drive.save("extract", {"rows": -1}),
    lambda drive: drive.writer.end_run(FAILED),
)


def _refused(drive: Drive) -> None:
    """Try every write there is; each must say whose run was lost."""
    for write in WRITES:
        with pytest.raises(LeaseLost) as caught:
            write(drive)
        assert repr(drive.lease.run_id) in str(caught.value)
        assert drive.lease.holder in str(caught.value)
    with pytest.raises(LeaseLost, match="nothing more was started"):
        drive.writer.require_lease()


class LeasesContract:
    """What a store promises of leases."""

    def test_a_driver_whose_run_was_taken_over_writes_nothing(self, store: Store) -> None:
        lease = crash(store)
        take_over(store)
        before = everything(store)

        with holding(store, lease, store.get_run("run-1").context) as zombie:
            _refused(zombie)

        assert everything(store) == before

    def test_a_driver_whose_run_was_cancelled_writes_nothing(self, store: Store) -> None:
        with driving(store) as drive:
            drive.save("extract")
            store.cancel_run("run-1")
            before = everything(store)

            _refused(drive)

        assert everything(store) == before
        assert store.get_run("run-1").status == "cancelled"

    def test_a_driver_whose_checkpoints_were_deleted_writes_nothing(self, store: Store) -> None:
        lease = crash(store)
        last_written = store.get_run("run-1").updated_at
        store.delete_checkpoints("run-1")
        before = everything(store)

        with holding(store, lease, store.get_run("run-1").context) as zombie:
            _refused(zombie)

        assert everything(store) == before
        assert store.get_run("run-1").fence == lease.fence + 1  # its status does not refuse the driver
        assert store.get_run("run-1").updated_at > last_written

    def test_a_driver_whose_run_was_purged_writes_nothing(self, store: Store) -> None:
        with driving(store) as drive:
            drive.save("extract", ending=COMPLETED)
            wait_until(lambda: store.purge_runs(PurgeOrder(days=AN_INSTANT / DAY, failed_days=1.0)).runs)
            before = everything(store)

            _refused(drive)

        assert everything(store) == before
        assert store.get_run("run-1").fence == drive.lease.fence  # nobody has taken it

    def test_a_driver_that_still_has_its_run_is_told_so_and_nothing_is_written(self, store: Store) -> None:
        with driving(store) as drive:
            drive.save("extract")
            before = everything(store)

            drive.writer.require_lease()

            assert everything(store) == before
            drive.save("load", ending=COMPLETED)

    def test_nothing_is_written_after_the_end(self, store: Store) -> None:
        with driving(store) as drive:
            drive.save("extract", ending=COMPLETED)
            before = everything(store)

            _refused(drive)

        assert everything(store) == before
        assert store.get_run("run-1").status == "completed"

    def test_a_lease_that_expired_but_was_not_taken_is_still_its_drivers(self, store: Store) -> None:
        lease = crash(store)

        with holding(store, lease, store.get_run("run-1").context) as drive:
            drive.sequence = 2
            drive.save("load", ending=COMPLETED)

        assert store.get_run("run-1").status == "completed"
        assert [kept.step_name for kept in store.list_checkpoints("run-1")] == ["extract", "transform", "load"]

    def test_a_run_is_crashed_when_its_lease_has_expired(self, store: Store) -> None:
        create(store, new_run(lease_seconds=AN_INSTANT))

        wait_until(lambda: store.get_run("run-1").is_crashed)

        run = store.get_run("run-1")
        assert (run.status, run.state, run.lease) == ("running", "crashed", None)

    def test_a_checkpoint_renews_the_lease(self, store: Store) -> None:
        new = new_run(lease_seconds=AN_INSTANT)
        lease = create(store, new)
        wait_until(lambda: store.get_run("run-1").is_crashed)

        with holding(store, lease, new.context, lease_seconds=HOUR) as drive:
            drive.save("extract")

        renewed = store.get_run("run-1").lease
        assert renewed is not None
        assert renewed.expires_at - lease.expires_at > timedelta(minutes=59)
        assert renewed == replace(lease, expires_at=renewed.expires_at)

    def test_a_renewal_moves_the_end_of_each_lease_and_nothing_else(self, store: Store) -> None:
        leases = [create(store, new_run(f"run-{number}", lease_seconds=60.0)) for number in range(3)]
        before = [store.get_run(lease.run_id) for lease in leases]

        held = store.renew_leases(leases[:2], lease_seconds=HOUR)

        assert held == {"run-0", "run-1"}
        after = [store.get_run(lease.run_id) for lease in leases]
        for lease, run in zip(leases[:2], after[:2], strict=True):
            assert run.lease is not None
            assert run.lease.expires_at - lease.expires_at > timedelta(minutes=58)
        assert [replace(run, lease=None) for run in after] == [replace(run, lease=None) for run in before]
        assert after[2] == before[2]

    def test_a_renewal_tells_which_leases_are_lost(self, store: Store) -> None:
        held = create(store, new_run("held"))
        cancelled = create(store, new_run("cancelled"))
        store.cancel_run("cancelled")
        taken = crash(store, "taken")
        new_lease = take_over(store, "taken")
        gone = replace(held, run_id="gone")

        kept = store.renew_leases([held, cancelled, taken, gone], lease_seconds=HOUR)

        assert kept == {"held"}
        assert store.get_run("taken").lease == new_lease
        assert store.get_run("cancelled").lease is None

    def test_no_leases_are_renewed_without_complaint(self, store: Store) -> None:
        create(store, new_run())

        assert store.renew_leases([], lease_seconds=HOUR) == set()

    def test_a_late_renewal_takes_a_crashed_run_back_if_nobody_else_has(self, store: Store) -> None:
        lease = crash(store)

        assert store.renew_leases([lease], lease_seconds=HOUR) == {"run-1"}

        run = store.get_run("run-1")
        assert run.lease is not None
        assert not run.is_crashed

    def test_leases_are_renewed_while_their_drivers_write(self, store: Store) -> None:
        def drive_one(number: int) -> Lease:
            with driving(store, f"run-{number}") as drive:
                for step in ("extract", "transform", "load"):
                    drive.save(step)
                    assert store.renew_leases([drive.lease], lease_seconds=HOUR) == {f"run-{number}"}
            return drive.lease

        leases = at_once(4, drive_one)

        assert {len(store.list_checkpoints(lease.run_id)) for lease in leases} == {3}
