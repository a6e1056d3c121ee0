"""The flights: what the runs load equals what plain SQL says of the raw files, whatever failed before."""

import csv
import gzip
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy

from examples.flights.workflow import flights
from spine.orchestration import WorkflowRunner

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "examples" / "flights" / "data"
DAYS = [f"2013-01-{day:02}" for day in range(1, 32)]

BY_DAY = """
SELECT printf('%04d-%02d-%02d', f.year, f.month, f.day), f.origin, f.carrier, a.name,
       count(*),
       sum(f.dep_time = 'NA'),
       sum(CASE WHEN f.dep_time <> 'NA' THEN CAST(f.dep_delay AS INTEGER) ELSE 0 END),
       sum(CASE WHEN f.dep_time <> 'NA' THEN CAST(coalesce(p.seats, 0) AS INTEGER) ELSE 0 END),
       sum(CASE WHEN w.visib <> 'NA' AND CAST(w.visib AS REAL) < 3 THEN 1 ELSE 0 END)
FROM flights f
JOIN airlines a ON a.carrier = f.carrier
LEFT JOIN planes p ON p.tailnum = f.tailnum
LEFT JOIN weather w ON w.origin = f.origin AND w.time_hour = f.time_hour
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3
"""
BY_CARRIER = """
SELECT a.name, count(*), sum(f.dep_time = 'NA'), printf('%.1f', avg(nullif(f.dep_delay, 'NA')))
FROM flights f JOIN airlines a ON a.carrier = f.carrier WHERE f.day NOT IN ({}) GROUP BY 1
"""
LOADED = """
SELECT flight_date, origin, carrier, carrier_name, flights, cancelled, dep_delay_minutes, seats,
       poor_visibility
FROM flight_daily ORDER BY 1, 2, 3
"""


@pytest.fixture(scope="module")
def raw():
    """The raw files as they are, in tables of text: nothing of the workflow's code."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for path in DATA.glob("*.csv.gz"):
            with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
                header, *rows = csv.reader(file)
            table = path.name.partition(".")[0].removesuffix("-2013-01")
            columns = ", ".join(f'"{name}" TEXT' for name in header)
            connection.execute(f"CREATE TABLE {table} ({columns})")
            connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(header))})", rows)
        connection.execute("CREATE INDEX plane ON planes (tailnum)")
        connection.execute("CREATE INDEX hour ON weather (origin, time_hour)")
        yield connection


@pytest.fixture
def runner(database_url, monkeypatch):
    monkeypatch.setenv("SPINE_DATABASE_URL", database_url)
    with WorkflowRunner(database_url) as runner:
        yield runner


def loaded(url):
    made = sqlalchemy.make_url(url)
    if made.get_backend_name() == "postgresql":
        made = made.set(drivername="postgresql+psycopg")
    engine = sqlalchemy.create_engine(made, poolclass=sqlalchemy.pool.NullPool)
    with engine.connect() as connection:
        return [(str(row[0]), *row[1:]) for row in connection.execute(sqlalchemy.text(LOADED))]


def run_day(runner, day, **params):
    return runner.execute(flights, params, partition={"date": day})


def test_all_days_load_what_plain_sql_says_of_the_raw_files(runner, database_url, raw, tmp_path):
    for day in DAYS:
        run_day(runner, day, work_dir=str(tmp_path), max_missing=0.15).raise_for_status()

    expected = raw.execute(BY_DAY).fetchall()

    assert sum(row[4] for row in expected) == 27_004
    assert loaded(database_url) == expected


def test_a_day_whose_target_is_down_is_resumed_at_load(runner, database_url, raw, tmp_path, monkeypatch):
    monkeypatch.setenv("FLIGHTS_TARGET_WAREHOUSE", "postgresql://127.0.0.1:1/warehouse")

    failed = run_day(runner, "2013-01-17", work_dir=str(tmp_path), target="warehouse")
    shutil.rmtree(tmp_path / "2013-01-17")
    resumed = runner.resume(failed.run_id, {"target": "main"})

    assert (failed.status, failed.error_step, failed.error_category) == ("failed", "load", "dependency")
    assert "target 'warehouse' is out of reach" in failed.error
    assert list(failed.completed_steps) == ["read", "validate", "enrich", "aggregate"]
    assert (resumed.status, list(resumed.completed_steps)) == ("completed", ["load", "report"])
    assert loaded(database_url) == [row for row in raw.execute(BY_DAY) if row[0] == "2013-01-17"]


def test_the_gate_refuses_the_day_of_fog_until_someone_raises_the_limit(runner, database_url, raw, tmp_path):
    failed = run_day(runner, "2013-01-30", work_dir=str(tmp_path))
    resumed = runner.resume(failed.run_id, {"max_missing": 0.15})

    assert (failed.error_step, failed.error_category) == ("validate", "data_quality")
    assert failed.error == "10.9% of 900 flights have no departure time, more than max_missing=0.1"
    assert list(resumed.completed_steps) == ["validate", "enrich", "aggregate", "load", "report"]
    quality = resumed.context.quality_metrics
    assert (quality["validate"]["record_count"], quality["validate"]["missing_dep_time"]) == (900, 98)
    assert quality["enrich"]["unmatched_carriers"] == 0
    assert loaded(database_url) == [row for row in raw.execute(BY_DAY) if row[0] == "2013-01-30"]


def test_a_day_that_is_run_twice_leaves_the_table_as_once(runner, database_url, tmp_path):
    run_day(runner, "2013-01-05", work_dir=str(tmp_path)).raise_for_status()
    once = loaded(database_url)

    run_day(runner, "2013-01-05", work_dir=str(tmp_path)).raise_for_status()

    assert loaded(database_url) == once


def test_no_step_keeps_a_day_of_rows_in_its_checkpoint(runner, tmp_path):
    result = run_day(runner, "2013-01-02", work_dir=str(tmp_path)).raise_for_status()

    sizes = {summary.step_name: summary.size for summary in runner.list_checkpoints(result.run_id)}

    assert list(sizes) == ["read", "validate", "enrich", "aggregate", "load", "report"]
    assert max(sizes.values()) < 16_384


def test_a_day_the_data_does_not_hold_fails_and_says_so(runner, tmp_path):
    result = run_day(runner, "2013-02-01", work_dir=str(tmp_path))

    assert (result.error_step, result.error) == (
        "read",
        "the data has no flight on 2013-02-01; it holds January 2013",
    )


def test_the_demo_ends_quietly_when_its_reader_leaves(tmp_path):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")

    with subprocess.Popen(
        [sys.executable, "-m", "examples.flights.demo"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as demo:
        demo.stdout.close()

        assert (demo.stderr.read(), demo.wait(60)) == ("", 0)


def test_the_demo_fails_shows_resumes_and_leaves_one_command_that_finishes_the_month(raw, tmp_path):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SPINE_")}

    def typed(command):
        return subprocess.run(
            command,
            shell=True,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    demo = typed(f"{shlex.quote(sys.executable)} -m examples.flights.demo")

    assert (demo.returncode, demo.stderr) == (0, "")
    said = demo.stdout
    assert "2013-01-17  FAILED at load: target 'warehouse' is out of reach: connection failed" in said
    assert table_of(said) == by_carrier(raw, without="'30'")
    *_, command = [line.strip() for line in said.splitlines() if " resume flights-" in line]
    assert "SPINE_DATABASE_URL=sqlite:///build/demo/flights.db" in command
    assert "resume flights-2013-01-30 --app examples/flights/workflow.py --param max_missing=0.15" in command

    finished = typed(command)

    assert finished.returncode == 0, finished.stderr
    again = typed(f"SPINE_DATABASE_URL=sqlite:///build/demo/flights.db {sys.executable} -m examples.flights.results")
    assert table_of(again.stdout) == by_carrier(raw, without="")
    assert loaded(f"sqlite:///{tmp_path}/build/demo/flights.db") == raw.execute(BY_DAY).fetchall()


def by_carrier(raw, *, without):
    return {
        name: (f"{flights:,}", f"{cancelled:,}", delay)
        for name, flights, cancelled, delay in raw.execute(BY_CARRIER.format(without))
    }


def table_of(said):
    lines = said.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("carrier "))
    end = next(number for number, line in enumerate(lines) if line.startswith("all, "))
    rows = {line[:30].strip(): line[30:].split() for line in lines[start + 1 : end]}
    return {name: (numbers[0], numbers[1], numbers[2]) for name, numbers in rows.items()}
