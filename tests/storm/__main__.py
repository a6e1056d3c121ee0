"""`python -m tests.storm`: storms for some minutes over every database found, then a table of what held."""

# ruff: noqa: T201  # it is here to talk

import argparse
import os
import secrets
import shutil
import sys
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

from tests.servers.bouncer import find_pgbouncer
from tests.servers.session import Session
from tests.storm.kind import Kind
from tests.storm.lane import Choice, Lane
from tests.storm.place import Place, open_place, place_names
from tests.storm.tally import Tally, Tried, table

MINUTES = 5.0
SECONDS_BETWEEN_REPORTS = 20.0


class Storm:
    """All lanes at once, until the time is over or every round is done."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._start = time.monotonic()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._tallies: defaultdict[str, Tally] = defaultdict(Tally)
        self._reported_at = self._start
        self.folder = Path(tempfile.mkdtemp(prefix="spine-storm-"))

    def run(self) -> bool:
        """Tell whether everything held."""
        wanted: Choice = self._options.only
        names = [name for name in place_names() if wanted.place in ("", name)]
        print(f"seed {self._options.seed}; over {', '.join(names)}", flush=True)
        session = Session.open(Path(tempfile.gettempdir()))
        try:
            with ExitStack() as places:
                self._run_lanes([places.enter_context(open_place(name, session)) for name in names], wanted)
        finally:
            session.close()
        return self._conclude()

    def _run_lanes(self, places: list[Place], wanted: Choice) -> None:
        threads = [threading.Thread(target=self._lane(place, wanted).run) for place in places]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except KeyboardInterrupt:
            print("stopping after the rounds that are under way", flush=True)
            self._stopped.set()
            for thread in threads:
                thread.join()

    def _lane(self, place: Place, wanted: Choice) -> Lane:
        return Lane(
            place=place,
            seed=self._options.seed,
            folder=self.folder,
            wanted=wanted,
            rounds=self._options.rounds,
            is_over=self._is_over,
            report=self._hear,
        )

    def _is_over(self) -> bool:
        has_no_time = self._options.rounds is None and self._seconds() > self._options.minutes * 60
        return self._stopped.is_set() or has_no_time

    def _seconds(self) -> float:
        return time.monotonic() - self._start

    def _hear(self, kind: Kind, place: Place, tally: Tally) -> None:
        with self._lock:
            self._tallies[f"{kind.name} {place.name}"].add(tally)
            for line in tally.told():
                print(line, flush=True)
            if time.monotonic() - self._reported_at > SECONDS_BETWEEN_REPORTS:
                self._reported_at = time.monotonic()
                self._report()

    def _report(self) -> None:
        total = Tally()
        for tally in self._tallies.values():
            total.add(tally)
        counts = ", ".join(f"{total.tried[what]} {what}" for what in (Tried.ROUNDS, Tried.RUNS, Tried.KILLS))
        print(f"{self._seconds():5.0f} s: {counts}, {len(total.complaints)} complaints", flush=True)

    def _conclude(self) -> bool:
        print()
        for line in table(dict(sorted(self._tallies.items()))):
            print(line)
        if find_pgbouncer() is None:
            print("PgBouncer was not there: nothing was tried behind a pooler in transaction mode")
        complaints = [each for tally in self._tallies.values() for each in tally.complaints]
        if not self._tallies:
            print("nothing was tried: there is no such place on this machine, or no such kind of storm there")
            return False
        if not complaints:
            shutil.rmtree(self.folder)
            print(f"everything held; seed {self._options.seed}, {self._seconds():.0f} s")
            return True
        print(f"{len(complaints)} did not hold; files of these rounds are in {self.folder}. To repeat one:")
        for name in sorted({name for name, _ in complaints}):
            print(f"  STORM_SEED={self._options.seed} STORM_ONLY={name} make storm")
        return False


def parse_options(arguments: list[str]) -> argparse.Namespace:
    environment = os.environ.get
    parser = argparse.ArgumentParser(prog="python -m tests.storm", description=__doc__)
    parser.add_argument("--seed", default=environment("STORM_SEED") or secrets.token_hex(4))
    parser.add_argument("--minutes", type=float, default=environment("STORM_MINUTES") or MINUTES)
    parser.add_argument(
        "--rounds", type=int, default=environment("STORM_ROUNDS") or None, help="of each kind, each place"
    )
    parser.add_argument("--only", default=environment("STORM_ONLY") or "", help="kinds, kinds/place, kind/place/number")
    options = parser.parse_args(arguments)
    try:
        options.only = Choice.parse(options.only)
    except ValueError as error:
        parser.error(str(error))
    return options


if __name__ == "__main__":
    sys.exit(0 if Storm(parse_options(sys.argv[1:])).run() else 1)
