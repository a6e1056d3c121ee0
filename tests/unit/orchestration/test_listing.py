"""What a list of runs may be asked for."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from spine.errors import InvalidInput, InvalidSetting
from spine.orchestration.listing import run_filter
from spine.records.run import RunStatus
from spine.stores.protocol import RunFilter


def asked(**given) -> RunFilter:
    return run_filter(**({"status": None, "workflow": None, "since": None, "limit": 100} | given))


def test_nothing_asked_means_all():
    assert asked() == RunFilter()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("failed", RunFilter(status=RunStatus.FAILED)),
        (RunStatus.RUNNING, RunFilter(status=RunStatus.RUNNING)),
        ("crashed", RunFilter(crashed=True)),
    ],
)
def test_a_status_is_one_of_six_or_crashed(status, expected):
    assert asked(status=status) == expected


def test_a_moment_without_a_zone_is_utc():
    noon = datetime(2026, 1, 10, 12)  # noqa: DTZ001

    assert asked(since=noon).since == noon.replace(tzinfo=UTC)
    assert asked(since=noon.replace(tzinfo=timezone(timedelta(hours=1)))).since == datetime(2026, 1, 10, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    "given",
    [
        {"status": "FAILED"},
        {"status": ""},
        {"status": []},
        {"status": 5},
        {"workflow": ""},
        {"workflow": 5},
        {"workflow": "a\0"},
        {"since": "2026-01-10"},
        {"since": date(2026, 1, 10)},
        {"since": 0},
        {"since": datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))},
        {"limit": 0},
        {"limit": -1},
        {"limit": 10**30},
        {"limit": True},
        {"limit": 1.0},
        {"limit": None},
    ],
)
def test_what_means_nothing_is_refused(given):
    with pytest.raises(InvalidInput):
        asked(**given)


def test_the_error_names_what_there_is():
    with pytest.raises(InvalidSetting, match="no status 'done'; there are: pending, running, .*cancelled, crashed"):
        asked(status="done")
