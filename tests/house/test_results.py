"""What the benchmarks write: each measure with what it was taken with."""

import json

import pytest

from benchmarks import measure, peers, report
from benchmarks.origin import origin_of
from benchmarks.row import Row

ROW = Row(what="a step of 10", who="spine", where="sqlite", value=1.5, unit="µs", ratio=1.2, target=1.3)


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder for results that nobody has written to."""
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    monkeypatch.setattr(report, "TABLE", tmp_path / "results.md")
    monkeypatch.setattr(report, "DATA", tmp_path / "results.json")
    return tmp_path


def test_each_measure_keeps_what_it_was_taken_with_when_another_is_taken_later(results):
    report.write({"steps": [ROW]}, {"steps": {"date": "2026-01-10", "Python": "3.11.7"}})
    report.write({"cold": [ROW]}, {"cold": {"date": "2026-01-11", "Python": "3.14.0"}})

    text = (results / "results.md").read_text()
    assert text.index("date: 2026-01-10; Python: 3.11.7\n") < text.index("date: 2026-01-11; Python: 3.14.0\n")
    assert report.read() == {"steps": [ROW], "cold": [ROW]}


def test_results_that_do_not_say_what_they_were_taken_with_are_read_and_kept(results):
    report.write({"steps": [ROW]}, {})
    (results / "results.json").write_text(
        json.dumps({name: rows for name, rows in json.loads((results / "results.json").read_text()).items() if rows})
    )

    report.write({"cold": [ROW]}, {"cold": {"date": "2026-01-11"}})

    assert report.read() == {"steps": [ROW], "cold": [ROW]}
    assert (results / "results.md").read_text().count("date: ") == 1


def test_the_results_of_this_repository_can_be_read():
    assert {"steps", "peers"} <= set(report.read()) <= set(measure.NAMES)


def test_what_a_measure_was_taken_with_names_every_version_and_no_machine(postgres):
    told = origin_of("peers", postgres.url())

    assert {"date", "cores", "Python", "SQLite", "PostgreSQL"} <= set(told)
    assert told["PostgreSQL"].startswith(f"{postgres.major}.")
    assert told[peers.title("sqlalchemy_begin")].startswith("SQLAlchemy ")
    assert "/" not in "".join(told.values())
