"""Retention against resume at the same moment: exactly one of them gets a run."""

import time

from tests.storm.crew import Worker
from tests.storm.kind import Kind
from tests.storm.record import Record
from tests.storm.round import Round
from tests.storm.story import Story
from tests.storm.tally import Broken, Tried

RUNS = 6
PURGERS = 2
HEAD_START_SECONDS = 0.6
OLD_DAYS = 3.0


def purge_and_resume(storm: Round) -> None:
    """Let old failed runs be resumed and purged at once; a run then has all of its checkpoints, or none and rests."""
    stories = storm.stories(RUNS, is_sparse=False)
    failed = [storm.start("execute", story, fails_at=len(story.scenes) - 1) for story in stories]
    storm.wait(*failed)
    with storm.database.rows() as rows:
        for story in stories:
            rows.age(story.run_id, days=OLD_DAYS)
    start_at = time.monotonic() + HEAD_START_SECONDS
    resumers = [storm.start("resume", story, start_at=_about(storm, start_at)) for story in stories]
    purgers = [storm.start("purge", start_at=start_at) for _ in range(PURGERS)]
    storm.wait(*purgers)
    storm.wait(*resumers)
    storm.tally.tried[Tried.RACES] += RUNS
    for story, resumer in zip(stories, resumers, strict=True):
        _judge(storm, story, resumer)
    storm.judge_workers(allowed=("Purged", "RunExpired"))


def _about(storm: Round, moment: float) -> float:
    """A little before or after, so that each of them wins now and then."""
    return moment + storm.dice.uniform(-0.25, 0.03)


def _judge(storm: Round, story: Story, resumer: Worker) -> None:
    record = storm.record(story)
    assert record is not None
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
