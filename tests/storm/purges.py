"""Retention against resume at the same moment: exactly one of them gets a run."""

import signal
import time

from tests.storm.crew import Worker, until
from tests.storm.kind import Kind
from tests.storm.record import Record
from tests.storm.round import Round
from tests.storm.story import Story
from tests.storm.tally import Broken, Tried
from tests.storm.worker import LIMIT_SECONDS

RUNS = 6
HEAD_START_SECONDS = 0.6
LEAD = (-0.06, 0.005)
# Longer only if another one was stopped while it had SQLite's file locked, which nobody waits for longer than 10 s.
LONGEST_WAY_SECONDS = 6.0
# Longer only if the resume was stopped while it had SQLite's file locked.
LONGEST_PURGE_SECONDS = 2.0
OLD_DAYS = 3.0


def purge_and_resume(storm: Round) -> None:
    """Let old failed runs be resumed and purged at once; a run then has all of its checkpoints, or none and rests."""
    stories = storm.stories(storm.some(RUNS), is_sparse=False)
    failed = [storm.start("execute", story, fails_at=len(story.scenes) - 1) for story in stories]
    storm.wait(*failed)
    with storm.database.rows() as rows:
        for story in stories:
            rows.age(story.run_id, days=OLD_DAYS)
    resumers = [*_race(storm, stories[::2]), *_purge_within(storm, stories[1::2])]
    storm.tally.tried[Tried.RACES] += len(stories)
    storm.tally.tried[Tried.PURGES] += len(stories)
    for resumer in resumers:
        _judge(storm, resumer.order.stories[0], resumer)
    storm.judge_workers(allowed=("Purged", "RunExpired", "StoreBusy"))


def _race(storm: Round, stories: list[Story]) -> list[Worker]:
    """Start both at about the same time, so that each of them wins now and then."""
    start_at = time.monotonic() + HEAD_START_SECONDS
    resumers = [storm.start("resume", story, start_at=start_at + storm.dice.uniform(*LEAD)) for story in stories]
    storm.wait(*(storm.start("purge", story, start_at=start_at) for story in stories))
    storm.wait(*resumers)
    return resumers


def _purge_within(storm: Round, stories: list[Story]) -> list[Worker]:
    """Stop the resume at an exact call on its way to the claim, purge, and let it go on."""
    resumers = [storm.start("resume", story, doom=storm.doom(signal.SIGSTOP, steps=2)) for story in stories]
    until(lambda: all(resumer.is_struck() for resumer in resumers), seconds=LONGEST_WAY_SECONDS)
    purgers = [storm.start("purge", story) for story in stories]
    until(lambda: all(purger.is_over for purger in purgers), seconds=LONGEST_PURGE_SECONDS)
    until(lambda: _wake(resumers), seconds=LIMIT_SECONDS)
    storm.wait(*purgers)
    storm.wait(*resumers)
    return resumers


def _wake(resumers: list[Worker]) -> bool:
    """Wake them, and again if one was only stopped now; tell whether they are over."""
    for resumer in resumers:
        resumer.send(signal.SIGCONT)
    return all(resumer.is_over for resumer in resumers)


def _judge(storm: Round, story: Story, resumer: Worker) -> None:
    record = storm.record(story)
    assert record is not None
    if any(entry.outcome == "StoreBusy" for entry in storm.outcomes(resumer)):
        return  # another one was stopped while it had SQLite's file locked: nothing came of this
    if not record.is_removed:
        storm.judge(story)
        return
    for is_wrong, text in _wrong_with_removed(storm, story, record, resumer):
        if is_wrong:
            storm.complain(Broken.TWO_DRIVERS, f"purged, and yet {text}", story.run_id)


def _wrong_with_removed(storm: Round, story: Story, record: Record, resumer: Worker) -> list[tuple[bool, str]]:
    outcomes = [entry.outcome for entry in storm.outcomes(resumer)]
    ran = any(entry.attempt.startswith(f"{resumer.name}.") for entry in storm.diary(story))
    return [
        (bool(record.saved), f"{len(record.saved)} checkpoints are there"),
        (record.status != "failed", f"the run is {record.status}"),
        (outcomes != ["RunExpired"], f"the resume ended with {outcomes}"),
        (ran, "the resume ran a step"),
    ]


PURGES = Kind(name="purges", rage=purge_and_resume)
