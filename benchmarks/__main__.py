"""`python -m benchmarks [names...]`: measure, and write the table."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from benchmarks import measure, place, report, summary
from benchmarks.contender import POSTGRESQL, SQLITE
from benchmarks.origin import Origin, origin_of
from benchmarks.row import Row


def main() -> None:
    """Measure what is asked for."""
    asked = _arguments()
    found: dict[str, list[Row]] = {}
    origins: dict[str, Origin] = {}
    with place.opened(asked.folder, in_memory=asked.in_memory) as opened:
        plan = measure.Plan(place=opened, kinds=tuple(asked.kinds), effort=asked.effort)
        for name in asked.names or measure.NAMES:
            found[name] = list(_measured(name, plan))
            origins[name] = origin_of(name, opened.server.url())
    if not (asked.dry_run or asked.in_memory):
        known = report.write(found, origins)
        _draw(known)
        if asked.readme:
            summary.write(known)


def _measured(name: str, plan: measure.Plan) -> Iterator[Row]:
    asked = measure.load(name)
    print(f"\n{asked.TITLE}", flush=True)
    for row in asked.measure(plan):
        print(_line(row), flush=True)
        yield row


def _draw(found: report.Found) -> None:
    try:
        from benchmarks import plot  # noqa: PLC0415  # not installed for the tests
    except ImportError as error:
        print(f"no picture was drawn ({error}); `make bench` installs what that takes")
    else:
        plot.draw(found)


def _line(row: Row) -> str:
    ratio = "" if row.ratio is None else f"{row.ratio:.2f} ×"
    verdict = {None: "", True: "holds", False: "MISSED"}[row.holds]
    return f"  {row.what:40} {row.who:10} {row.where:11} {row.value:10.1f} {row.unit:4} {ratio:8} {verdict} {row.note}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    everything = ", ".join(measure.NAMES)
    parser.add_argument("names", nargs="*", type=_measure, metavar="MEASURE", help=f"{everything}; all of them if none")
    parser.add_argument("--effort", type=float, default=1.0, help="multiplies the rounds: 0.3 for a quick look")
    parser.add_argument("--kinds", nargs="+", choices=[POSTGRESQL, SQLITE], default=[POSTGRESQL, SQLITE])
    parser.add_argument("--dry-run", action="store_true", help="write no results")
    parser.add_argument("--readme", action="store_true", help="put the table of the peers into the README")
    parser.add_argument("--folder", type=Path, help="where to keep the databases: on a disk")
    parser.add_argument("--in-memory", action="store_true", help="let the folder be in memory; no results are written")
    return parser.parse_args()


def _measure(name: str) -> str:
    if name not in measure.NAMES:
        raise argparse.ArgumentTypeError(f"no measure {name!r}; there are: {', '.join(measure.NAMES)}")
    return name


if __name__ == "__main__":
    main()
