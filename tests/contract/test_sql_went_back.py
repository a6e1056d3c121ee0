"""A run that its driver had moved on and the database moved back: a backup was restored, or a standby lacked a step."""

import pytest

from spine.errors import LeaseLost, StoreError
from spine.testing.contract.drive import COMPLETED, FAILED, driving

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
