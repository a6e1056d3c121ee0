"""A run that its driver had moved on and the database moved back: a backup was restored, or a standby lacked a step."""

from contextlib import closing
from datetime import timedelta

import pytest

from spine import clock
from spine.errors import LeaseLost, StoreError
from spine.testing.contract.drive import COMPLETED, FAILED, HOUR, Drive, claim_of, driving, wait_until

A_TICK = timedelta(milliseconds=2)  # of SQLite's clock, and a little more
LAST_WRITES = pytest.mark.parametrize(
    "write",
    [
        lambda drive: drive.save("load"),
        lambda drive: drive.save("load", ending=COMPLETED),
        lambda drive: drive.writer.end_run(COMPLETED),
        lambda drive: drive.writer.end_run(FAILED),
    ],
    ids=["step", "last step", "end", "failure"],
)


def go_back_before_transform(rows):
    rows.ask("DELETE FROM core_workflow_checkpoints WHERE step_name = 'transform'")
    rows.ask("UPDATE core_workflow_runs SET current_step = 'transform'")


@LAST_WRITES
def test_nothing_is_written_over_a_gap(sql_store, rows, write):
    with driving(sql_store) as drive:
        drive.save("extract", next_step="transform")
        drive.save("transform", next_step="load")
        go_back_before_transform(rows)
        before = rows.everything()

        with pytest.raises(StoreError, match="a step that was saved is gone") as caught:
            write(drive)

        assert not isinstance(caught.value, LeaseLost)
        assert rows.everything() == before


def test_its_failure_can_be_written_once_that_is_known(sql_store, rows):
    with driving(sql_store) as drive:
        drive.save("extract", next_step="transform")
        drive.save("transform", next_step="load")
        go_back_before_transform(rows)
        with pytest.raises(StoreError):
            drive.save("load")

        drive.writer.end_run(FAILED)

    assert rows.ask("SELECT status, error_step FROM core_workflow_runs") == [("failed", "load")]


@LAST_WRITES
def test_a_run_that_somebody_else_has_is_no_gap(sql_store, rows, write):
    with driving(sql_store) as drive:
        drive.save("extract", next_step="transform")
        rows.ask("UPDATE core_workflow_runs SET fence = fence + 1, current_step = 'extract'")

        with pytest.raises(LeaseLost):
            write(drive)


@LAST_WRITES
def test_another_driver_that_got_the_same_fence_is_left_alone(sql_store, rows, write):
    with driving(sql_store) as drive:
        wait_until(lambda: clock.now() - drive.lease.acquired_at > A_TICK)
        rows.ask("UPDATE core_workflow_runs SET status = 'pending', fence = 0, holder = NULL, expires_at = NULL")
        other = sql_store.claim_run(claim_of(sql_store.get_claimable("run-1")))
        before = rows.everything()

        with pytest.raises(LeaseLost):
            write(drive)

        assert other.fence == drive.lease.fence
        assert sql_store.renew_leases([drive.lease], lease_seconds=HOUR) == set()
        assert rows.everything() == before


def test_a_first_write_that_comes_late_changes_nothing(sql_store, rows):
    """As when a proxy keeps it, the driver writes again on another connection, and then it comes through."""
    with driving(sql_store) as drive:
        first, late = (sql_store.writer(drive.lease, lease_seconds=HOUR, left_at="extract") for _ in range(2))
        with closing(first), closing(late):
            saving = Drive(lease=drive.lease, writer=first, context=drive.context)
            saving.save("extract", next_step="transform")
            before = rows.everything()

            with pytest.raises(StoreError):
                Drive(lease=drive.lease, writer=late, context=drive.context).save("extract", next_step="transform")

            assert rows.everything() == before
            saving.save("transform", next_step="load")
