"""Which status may follow which."""

import pytest

from spine.records.run import RunStatus

FINAL = {"completed", "failed", "cancelled"}
ALLOWED = {
    "pending": {"running", "cancelled"},
    "running": {"running", "waiting", *FINAL},
    "waiting": {"running", "cancelled"},
    "completed": {"running"},
    "failed": {"running", "cancelled"},
    "cancelled": {"running"},
}


@pytest.mark.parametrize("status", RunStatus)
def test_every_status_has_its_followers(status):
    assert {other for other in RunStatus if status.may_become(other)} == ALLOWED[status]
    assert status.is_final == (status in FINAL)


def test_a_status_is_its_word():
    assert RunStatus.FAILED == "failed"
    assert f"{RunStatus.FAILED}" == "failed"
