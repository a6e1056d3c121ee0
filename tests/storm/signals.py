"""SIGTERM and SIGINT at any instant: the run is failed or as good as never touched, and resumes at once."""

import signal
import time

from tests.storm.crew import Worker, until
from tests.storm.kind import Kind
from tests.storm.round import Round
from tests.storm.story import Story
from tests.storm.tally import Broken, Tried

RUNS = 4
# 130 and 143 from a drive; outside of one the signal itself ends the process.
INTERRUPTED = (130, 143)
EXIT_CODES = (0, *INTERRUPTED, -signal.SIGTERM, -signal.SIGINT)
LEASE_SECONDS = 1.5


def interrupt(storm: Round) -> None:
    """Interrupt each driver once, some twice; what was written down must let the next one go on at once."""
    stories = storm.stories(storm.some(RUNS), seconds=0.02)
    workers = [_start(storm, story) for story in stories]
    _interrupt_from_outside(storm, [worker for worker in workers if worker.order.doom is None])
    storm.wait(*workers)
    resumable = [worker for worker in workers if _judge_interrupted(storm, worker)]
    resumers = [storm.start("resume", *worker.order.stories) for worker in resumable]
    storm.wait(*resumers)
    for resumer in resumers:
        _judge_resumed(storm, resumer)
    storm.finish(stories)
    storm.judge_workers(exit_codes=EXIT_CODES)


def _start(storm: Round, story: Story) -> Worker:
    is_by_own_hand = storm.dice.random() < 0.7
    doom = storm.doom(signal.SIGTERM, signal.SIGINT, steps=len(story.scenes)) if is_by_own_hand else None
    return storm.start("execute", story, doom=doom, lease_seconds=LEASE_SECONDS)


def _interrupt_from_outside(storm: Round, workers: list[Worker]) -> None:
    for worker in workers:
        until(worker.has_begun, seconds=20)
        time.sleep(storm.dice.random() * 0.1)
        worker.send(storm.dice.choice((signal.SIGTERM, signal.SIGINT)))


def _judge_interrupted(storm: Round, worker: Worker) -> bool:
    """Tell whether the run can be resumed now; complain if a drive was interrupted and did not write it down."""
    (story,) = worker.order.stories
    record = storm.record(story)
    if worker.exit_code != 0:
        storm.tally.tried[Tried.SIGNALS] += 1
    if record is None or worker.exit_code not in INTERRUPTED or not storm.diary(story):
        return False
    if record.status == "failed" and record.error_type == "Interrupted" and not record.is_held:
        return True
    if record.status != "completed":
        text = f"{worker.name} was interrupted in its drive and left the run {record.status} ({record.error_type})"
        storm.complain(Broken.OTHER, text, story.run_id)
    return False


def _judge_resumed(storm: Round, resumer: Worker) -> None:
    for entry in storm.outcomes(resumer):
        if entry.outcome != "completed":
            text = f"{entry.attempt} could not resume at once: {entry.outcome} {entry.text}"
            storm.complain(Broken.OTHER, text, entry.run_id)


SIGNALS = Kind(name="signals", rage=interrupt)
