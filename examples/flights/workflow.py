"""One day of real flights as one run: read, validate, enrich, aggregate, load, report.

    SPINE_DATABASE_URL=sqlite:///flights.db spine run examples/flights/workflow.py --partition date=2013-01-17

What a step leaves for the next is small: a reference to a file while it is rows, the rows themselves once
they are a few dozen. Every step may run twice: files are replaced whole, and `load` is an upsert by key.
"""

import csv
import gzip
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Date, Engine, Integer, MetaData, String, Table, create_engine, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from spine.orchestration import (
    ErrorCategory,
    QualityMetrics,
    Step,
    StepResult,
    Workflow,
    WorkflowContext,
    pipeline,
)

DATA = Path(__file__).resolve().parent / "data"
WORK_DIR = DATA.parents[2] / "build" / "flights"
POOR_VISIBILITY_MILES = 3

Row = dict[str, str]

flight_daily = Table(
    "flight_daily",
    MetaData(),
    Column("flight_date", Date, primary_key=True),
    Column("origin", String(3), primary_key=True),
    Column("carrier", String(2), primary_key=True),
    Column("carrier_name", String(100), nullable=False),
    Column("flights", Integer, nullable=False),
    Column("cancelled", Integer, nullable=False),
    Column("dep_delay_minutes", Integer, nullable=False, comment="the sum over the flights that left"),
    Column("seats", Integer, nullable=False, comment="on the flights that left, where the plane is known"),
    Column("poor_visibility", Integer, nullable=False, comment="flights due in an hour of fog or heavy snow"),
)


@pipeline("flights.read")
def read(ctx: WorkflowContext) -> dict[str, Any]:
    """Take the day out of the month."""
    day = date.fromisoformat(ctx.partition["date"])
    prefix = f"{day.year},{day.month},{day.day},"
    with gzip.open(DATA / "flights-2013-01.csv.gz", "rt", newline="") as file:
        header = next(file)
        rows = list(csv.DictReader([header, *(line for line in file if line.startswith(prefix))]))
    if not rows:
        raise LookupError(f"the data has no flight on {day}; it holds January 2013")
    return stage(ctx, "read", rows)


def validate(ctx: WorkflowContext, _config: dict[str, Any]) -> StepResult:
    """Refuse a day of which too much is missing: a flight without departure time never left."""
    rows = staged(ctx.outputs["read"])
    missing = Counter(name for row in rows for name, value in row.items() if value == "NA")
    share = missing["dep_time"] / len(rows)
    limit = float(ctx.params["max_missing"])
    quality = QualityMetrics(
        passed=share <= limit,
        record_count=len(rows),
        missing_dep_time=missing["dep_time"],
        missing_arr_time=missing["arr_time"],
        missing_tailnum=missing["tailnum"],
        missing_share=round(share, 4),
    )
    if share > limit:
        error = f"{share:.1%} of {len(rows)} flights have no departure time, more than max_missing={limit}"
        return StepResult.fail(error, ErrorCategory.DATA_QUALITY, quality=quality)
    return StepResult.ok({"missing_share": round(share, 4)}, quality=quality)


@pipeline("flights.enrich")
def enrich(ctx: WorkflowContext) -> StepResult:
    """Join each flight to its carrier, destination, plane and the weather at the hour it was due."""
    unmatched: Counter[str] = Counter()

    def joined(row: Row) -> Row:
        carrier = lookup("airlines", "carrier").get((row["carrier"],))
        airport = lookup("airports", "faa").get((row["dest"],))
        plane = lookup("planes", "tailnum").get((row["tailnum"],))
        weather = lookup("weather-2013-01", "origin", "time_hour").get((row["origin"], row["time_hour"]))
        matches = {"carriers": carrier, "airports": airport, "planes": plane, "weather": weather}
        unmatched.update(name for name, match in matches.items() if match is None)
        return row | {
            "carrier_name": carrier["name"] if carrier else row["carrier"],
            "dest_name": airport["name"] if airport else row["dest"],
            "seats": plane["seats"] if plane else "0",
            "visibility": weather["visib"] if weather else "NA",
        }

    reference = stage(ctx, "enrich", map(joined, staged(ctx.outputs["read"])))
    counts = {f"unmatched_{name}": unmatched[name] for name in ("carriers", "airports", "planes", "weather")}
    return StepResult.ok(reference, quality=QualityMetrics(record_count=reference["record_count"], **counts))


@pipeline("flights.aggregate")
def aggregate(ctx: WorkflowContext) -> dict[str, Any]:
    """Sum a day's flights by origin and carrier: so few rows that they travel in the checkpoint."""
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    destinations: Counter[str] = Counter()
    for row in staged(ctx.outputs["enrich"]):
        groups[row["origin"], row["carrier"], row["carrier_name"]].append(row)
        destinations[row["dest_name"]] += 1
    busiest = min(destinations, key=lambda name: (-destinations[name], name))
    return {"daily": [totals(key, groups[key]) for key in sorted(groups)], "busiest_destination": busiest}


def totals(key: tuple[str, str, str], rows: list[Row]) -> dict[str, Any]:
    """Sum rather than average: sums of several days can be added."""
    left = [row for row in rows if row["dep_time"] != "NA"]
    visibility = [float(row["visibility"]) for row in rows if row["visibility"] != "NA"]
    return {
        **dict(zip(("origin", "carrier", "carrier_name"), key, strict=True)),
        "flights": len(rows),
        "cancelled": len(rows) - len(left),
        "dep_delay_minutes": sum(int(row["dep_delay"]) for row in left),
        "seats": sum(int(row["seats"]) for row in left),
        "poor_visibility": sum(miles < POOR_VISIBILITY_MILES for miles in visibility),
    }


def load(ctx: WorkflowContext, _config: dict[str, Any]) -> StepResult:
    """Upsert by (date, origin, carrier) in one transaction: twice leaves what once leaves."""
    day = {"flight_date": date.fromisoformat(ctx.partition["date"])}
    rows = [row | day for row in ctx.outputs["aggregate"]["daily"]]
    name = ctx.params["target"]
    try:
        engine = target(name)
        insert = (sqlite if engine.dialect.name == "sqlite" else postgresql).insert(flight_daily)
        keys = flight_daily.primary_key.columns
        values = {column.name: column for column in insert.excluded if column.name not in keys}
        with engine.begin() as connection:
            flight_daily.create(connection, checkfirst=True)
            connection.execute(insert.on_conflict_do_update(index_elements=list(keys), set_=values), rows)
    except OperationalError as error:
        reason = str(error.orig).partition("\n")[0]
        return StepResult.fail(f"target {name!r} is out of reach: {reason}", ErrorCategory.DEPENDENCY)
    return StepResult.ok({"target": name, "table": str(flight_daily.name), "record_count": len(rows)})


def report(ctx: WorkflowContext, _config: dict[str, Any]) -> StepResult:
    """Read back what was loaded: the day in four numbers and a name."""
    column = flight_daily.c
    sums = [func.sum(column[name]) for name in ("flights", "cancelled", "dep_delay_minutes", "poor_visibility")]
    day = date.fromisoformat(ctx.partition["date"])
    with target(ctx.params["target"]).connect() as connection:
        flights, cancelled, delay, fog = connection.execute(select(*sums).where(column.flight_date == day)).one()
    return StepResult.ok(
        {
            "flights": flights,
            "cancelled": cancelled,
            "mean_dep_delay": round(delay / max(1, flights - cancelled), 1),
            "poor_visibility": fog,
            "busiest_destination": ctx.outputs["aggregate"]["busiest_destination"],
        }
    )


flights = Workflow(
    "flights",
    [
        Step.pipeline("read", "flights.read"),
        Step.lambda_("validate", validate),
        Step.pipeline("enrich", "flights.enrich"),
        Step.pipeline("aggregate", "flights.aggregate"),
        Step.lambda_("load", load),
        Step.lambda_("report", report),
    ],
    defaults={"max_missing": 0.1, "target": "main", "work_dir": str(WORK_DIR)},
)


def stage(ctx: WorkflowContext, name: str, rows: Iterable[Row]) -> dict[str, Any]:
    """Write rows to the file of this day and step, whole or not at all, and give the reference to it."""
    written = list(rows)
    path = Path(ctx.params["work_dir"]) / ctx.partition["date"] / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{name}.{os.getpid()}.partial")
    with partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, written[0])
        writer.writeheader()
        writer.writerows(written)
    partial.replace(path)
    return {"path": str(path), "record_count": len(written)}


def staged(reference: Mapping[str, Any]) -> list[Row]:
    """Read the rows a reference names, and refuse a file that is not the one that was written."""
    with Path(reference["path"]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    if len(rows) != reference["record_count"]:
        raise ValueError(f"{reference['path']} has {len(rows)} rows, not {reference['record_count']}; start from read")
    return rows


@cache
def lookup(name: str, *keys: str) -> dict[tuple[str, ...], Row]:
    """Read a table to join with, by its key."""
    with gzip.open(DATA / f"{name}.csv.gz", "rt", newline="") as file:
        return {tuple(row[key] for key in keys): row for row in csv.DictReader(file)}


def target(name: str) -> Engine:
    """Find where a target is: params name it, the environment has its URL, for params are stored in plain."""
    variable = "SPINE_DATABASE_URL" if name == "main" else f"FLIGHTS_TARGET_{name.upper()}"
    address = os.environ.get(variable) or ("sqlite:///spine.db" if name == "main" else None)
    if address is None:
        raise LookupError(f"no target {name!r}: the variable {variable} with its URL is not set")
    url = make_url(address)
    if url.get_backend_name() in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg").update_query_dict({"connect_timeout": "10"})
    return create_engine(url, poolclass=NullPool)
