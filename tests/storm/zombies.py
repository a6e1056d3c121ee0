"""Processes stopped for longer than their lease: taken over, woken up, and from then on without a say."""

import signal
import time

from tests.storm.crew import Worker, until
from tests.storm.kind import Kind
from tests.storm.round import ENDS_OF_ZOMBIES, Round
from tests.storm.story import Story
from tests.storm.tally import Broken, Tried

RUNS = 3
LEASE_SECONDS = 0.5


def wake_the_dead(storm: Round) -> None:
    """Stop drivers at any instant, let others take over, and wake them up before, during or after that drive."""
    stories = storm.stories(storm.some(RUNS), seconds=0.06)
    stopped = [_start_to_be_stopped(storm, story) for story in stories]
    until(lambda: all(worker.is_struck() for worker in stopped), seconds=30)
    takers = [storm.start("drive", story, lease_seconds=LEASE_SECONDS, bad_luck=0.05) for story in stories]
    for zombie, taker in zip(stopped, takers, strict=True):
        _wait_for_a_moment_to_wake(storm, taker)
        zombie.send(signal.SIGCONT)
    storm.wait(*takers)
    storm.wait(*stopped)
    for zombie, taker in zip(stopped, takers, strict=True):
        _judge_zombie(storm, zombie, taker)
    storm.finish(stories)
    storm.judge_workers(allowed=("LeaseLost", "StoreBusy", "RunExists"))


def _start_to_be_stopped(storm: Round, story: Story) -> Worker:
    doom = storm.doom(signal.SIGSTOP, steps=len(story.scenes))
    return storm.start("execute", story, lease_seconds=LEASE_SECONDS, doom=doom)


def _wait_for_a_moment_to_wake(storm: Round, taker: Worker) -> None:
    """Until the taker has begun, or is over, or not at all; a taker whose way is blocked waits for the zombie."""
    moment = storm.dice.random()
    if moment < 0.7:
        until(lambda: taker.is_over or bool(_drives(taker)), seconds=2)
        time.sleep(storm.dice.random() * 0.05)
    elif moment < 0.9:
        until(lambda: taker.is_over, seconds=5)


def _drives(taker: Worker) -> bool:
    story = taker.order.stories[0]
    path = taker.order.diary(story.run_id)
    return path.exists() and f'"attempt": "{taker.name}.' in path.read_text()


def _judge_zombie(storm: Round, zombie: Worker, taker: Worker) -> None:
    """A zombie whose run somebody else has driven must say that it lost its lease, if it had one.

    Or that it waited for a file that another zombie has locked; then its run failed, and could be resumed.
    """
    if not zombie.notes("struck"):
        return
    storm.tally.tried[Tried.ZOMBIES] += 1
    story = zombie.order.stories[0]
    outcomes = {entry.error_type or entry.outcome for entry in storm.outcomes(zombie)}
    drove = any(entry.attempt.startswith(f"{zombie.name}.") for entry in storm.diary(story))
    if drove and _drives(taker) and not outcomes <= ENDS_OF_ZOMBIES:
        storm.complain(Broken.TWO_DRIVERS, f"the zombie {zombie.name} ended with {outcomes}", story.run_id)


ZOMBIES = Kind(name="zombies", rage=wake_the_dead)
