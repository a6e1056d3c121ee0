"""PostgreSQL stopped at once or killed, and started again, while several runs are driven."""

import time

from tests.storm.kind import Kind
from tests.storm.round import Round, wait_until_ready
from tests.storm.tally import Tried

RUNS = 4
MOST_RESTARTS = 2


def restart_under_way(storm: Round) -> None:
    """Take the server away from drivers that wait for it to come back; nobody's finished step runs again."""
    server = storm.place.server
    assert server is not None
    stories = storm.stories(RUNS, seconds=0.15)
    workers = [storm.start("drive", story, bad_luck=0.03, lease_seconds=2.0) for story in stories]
    wait_until_ready(workers)
    for _ in range(storm.dice.randint(1, MOST_RESTARTS)):
        time.sleep(storm.dice.random() * 0.4)
        if storm.dice.random() < 0.5:
            server.kill()
            server.start()
        else:
            server.restart(storm.dice.choice(("immediate", "immediate", "fast")))
        storm.tally.tried[Tried.RESTARTS] += 1
    storm.wait(*workers)
    storm.finish(stories)
    storm.judge_workers(allowed=("StoreUnavailable",))


RESTARTS = Kind(name="restarts", rage=restart_under_way, fits=lambda place: place.server is not None)
