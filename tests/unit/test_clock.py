"""The only time and the only chance."""

import runpy
import time
from datetime import UTC, timedelta
from uuid import UUID

import pytest

from spine import clock


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_now_is_utc_whatever_the_zone_of_the_process(zone, monkeypatch):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        first, second = clock.now(), clock.now()
    finally:
        monkeypatch.undo()
        time.tzset()

    assert first.tzinfo is UTC
    assert timedelta(0) <= second - first < timedelta(seconds=60)


def test_a_stopwatch_never_goes_back():
    readings = [clock.stopwatch() for _ in range(100)]

    assert readings == sorted(readings)


def test_run_ids_are_unique_and_fit_the_column():
    made = {clock.new_run_id() for _ in range(1000)}

    assert len(made) == 1000
    assert all(len(run_id) == 36 and str(UUID(run_id)) == run_id for run_id in made)


def test_where_the_system_has_no_clocks_to_choose_from_the_time_that_passed_is_pythons(monkeypatch):
    for name in ("clock_gettime", "CLOCK_BOOTTIME", "CLOCK_MONOTONIC"):
        monkeypatch.delattr(time, name, raising=False)

    assert runpy.run_path(clock.__file__)["uptime"] is time.monotonic
