"""PostgreSQL, or the pooler before it, stopped at once or killed, and started again, while several runs are driven."""

import time
from typing import Any

from tests.storm.crew import Worker
from tests.storm.kind import Kind
from tests.storm.round import Round, wait_until_ready
from tests.storm.story import Story
from tests.storm.tally import Tried

RUNS = 6
RUNS_IN_THREADS = 3
MOST_RESTARTS = 4


def restart_under_way(storm: Round) -> None:
    """Take the server away from drivers that wait for it to come back; nobody's finished step runs again."""
    stories = storm.stories(storm.some(RUNS), seconds=0.15)
    workers = drivers_of(storm, stories)
    wait_until_ready(workers)
    for _ in range(storm.dice.randint(1, storm.some(MOST_RESTARTS))):
        time.sleep(storm.dice.random() * 0.4)
        _restart(storm)
        storm.tally.tried[Tried.RESTARTS] += 1
    storm.wait(*workers)
    storm.finish(stories)
    storm.judge_workers(allowed=("StoreUnavailable",))


def _restart(storm: Round) -> None:
    server, bouncer = storm.place.server, storm.place.bouncer
    assert server is not None
    if bouncer is not None and storm.dice.random() < 0.4:
        bouncer.kill()
        bouncer.start()
    elif storm.dice.random() < 0.5:
        server.kill()
        server.start()
    else:
        server.restart(storm.dice.choice(("immediate", "immediate", "fast")))


def drivers_of(storm: Round, stories: list[Story], **wishes: Any) -> list[Worker]:
    """Start one process that drives some of the runs in threads, and a process for each of the others."""
    wishes = {"bad_luck": 0.03, "lease_seconds": 2.0, **wishes}
    threaded = storm.start("drive", *stories[:RUNS_IN_THREADS], is_threaded=True, **wishes)
    return [threaded, *(storm.start("drive", story, **wishes) for story in stories[RUNS_IN_THREADS:])]


RESTARTS = Kind(name="restarts", rage=restart_under_way, fits=lambda place: place.server is not None)
