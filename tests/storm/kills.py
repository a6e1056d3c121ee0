"""kill -9 at any instant: between any two calls, from outside at random, also of those who go on after a kill."""

import signal
import time

from tests.storm.crew import Worker, until
from tests.storm.kind import Kind
from tests.storm.round import Round
from tests.storm.story import Story
from tests.storm.tally import Tried

RUNS = 5
MOST_KILLS = 4


def kill_again_and_again(storm: Round) -> None:
    """Kill whoever drives each run, up to four times in a row; some steps fail besides."""
    stories = storm.stories(storm.some(RUNS))
    for _ in range(storm.dice.randint(1, storm.some(MOST_KILLS))):
        workers = [_start(storm, story) for story in stories]
        _kill_from_outside(storm, [worker for worker in workers if worker.order.doom is None])
        storm.wait(*workers)
        storm.tally.tried[Tried.KILLS] += sum(worker.exit_code == -signal.SIGKILL for worker in workers)
    storm.finish(stories)
    # Whoever recovers tells of crashed runs of this storm that it was not given the workflow of.
    storm.judge_workers(allowed=("WorkflowNotFound",), exit_codes=(0, -signal.SIGKILL))


def _start(storm: Round, story: Story) -> Worker:
    is_by_own_hand = storm.dice.random() < 0.7
    return storm.start(
        storm.dice.choice(("drive", "drive", "recover")),
        story,
        bad_luck=0.05,
        doom=storm.doom(signal.SIGKILL, steps=len(story.scenes)) if is_by_own_hand else None,
    )


def _kill_from_outside(storm: Round, workers: list[Worker]) -> None:
    """Kill each a random while after it has begun, or, one in five, while it still waits or comes to life."""
    storm.dice.shuffle(workers)
    for worker in workers:
        if storm.dice.random() < 0.8:
            until(worker.has_begun, seconds=20)
        time.sleep(storm.dice.random() * 0.1)
        worker.send(signal.SIGKILL)


KILLS = Kind(name="kills", rage=kill_again_and_again)
