"""What the runs have loaded, by carrier: `python -m examples.flights.results`."""

import os
import sys

from sqlalchemy import func, select

from examples.flights.workflow import flight_daily, target


def lines() -> list[str]:
    """One line a carrier, the one with the most flights first, and a total."""
    column = flight_daily.c
    names = ("flights", "cancelled", "dep_delay_minutes", "poor_visibility")
    sums = [func.sum(column[name]).label(name) for name in names]
    with target("main").connect() as connection:
        days = connection.scalar(select(func.count(column.flight_date.distinct())))
        carriers = connection.execute(
            select(column.carrier_name, *sums)
            .group_by(column.carrier_name)
            .order_by(func.sum(column.flights).desc(), column.carrier_name)
        ).all()
    total = (
        "all, 1 day" if days == 1 else f"all, {days} days",
        *(sum(row[index] for row in carriers) for index in range(1, len(names) + 1)),
    )
    heading = f"{'carrier':30}{'flights':>9}{'cancelled':>11}{'mean delay':>14}{'in poor sight':>15}"
    return [heading, *(line(*row) for row in carriers), line(*total)]


def line(name: str, flights: int, cancelled: int, delay: int, poor_visibility: int) -> str:
    mean = delay / (flights - cancelled)
    return f"{name:30}{flights:>9,}{cancelled:>11,}{mean:>10.1f} min{poor_visibility:>15,}"


if __name__ == "__main__":
    if "SPINE_DATABASE_URL" not in os.environ:
        sys.exit("name the database with SPINE_DATABASE_URL: sqlite:///build/demo/flights.db after make demo")
    print("\n".join(lines()))
