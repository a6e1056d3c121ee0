"""Several processes that want the same run at the same moment: one drives, the others are told so."""

import signal
import time

from tests.storm.crew import Worker
from tests.storm.kind import Kind
from tests.storm.order import Verb
from tests.storm.round import Round
from tests.storm.story import Story
from tests.storm.tally import Broken, Tried

RUNNERS = 5
HEAD_START_SECONDS = 0.25
# Far longer than a race: whoever loses it must not win by waiting.
LEASE_SECONDS = 30.0
LONGEST_ANSWER_SECONDS = 8.0
TOLD = frozenset({"RunIsHeld", "RunExists", "RunAlreadyCompleted", "NotCrashed"})


def race(storm: Round) -> None:
    """Race for a new run, a failed one, and crashed ones."""
    (new, failed, *crashed) = stories = storm.stories(4, seconds=0.02)
    _fail(storm, failed)
    _crash(storm, crashed)
    racers = [
        *_racers(storm, "execute", new),
        *_racers(storm, "resume", failed),
        *_racers(storm, "recover", *crashed),
    ]
    storm.wait(*racers)
    for story in stories:
        _judge_race(storm, story, racers)
    storm.finish(stories)
    storm.judge_workers(allowed=TOLD, exit_codes=(0, -signal.SIGKILL))


def _fail(storm: Round, story: Story) -> None:
    storm.wait(storm.start("execute", story, fails_at=storm.dice.randrange(len(story.scenes))))


def _crash(storm: Round, stories: list[Story]) -> None:
    """Leave runs whose driver is dead and whose lease has expired; a kill that came too early leaves none."""
    killed = [
        storm.start("execute", story, doom=storm.doom(signal.SIGKILL, steps=1), lease_seconds=0.5) for story in stories
    ]
    storm.wait(*killed)
    storm.tally.tried[Tried.KILLS] += sum(worker.exit_code == -signal.SIGKILL for worker in killed)
    time.sleep(0.5)


def _racers(storm: Round, verb: Verb, *stories: Story) -> list[Worker]:
    storm.tally.tried[Tried.RACES] += 1
    start_at = time.monotonic() + HEAD_START_SECONDS
    return [
        storm.start(verb, *stories, start_at=start_at, lease_seconds=LEASE_SECONDS, patience=0.0)
        for _ in range(storm.some(RUNNERS))
    ]


def _judge_race(storm: Round, story: Story, racers: list[Worker]) -> None:
    """Exactly one attempt of the race has driven, and the others were told within seconds."""
    names = {worker.name for worker in racers}
    drivers = {entry.attempt for entry in storm.diary(story) if entry.attempt.partition(".")[0] in names}
    outcomes = [entry for entry in storm.outcomes(*racers) if entry.run_id == story.run_id]
    if not outcomes:
        return  # nobody recovers a run that was killed before there was one
    completed = [entry.attempt for entry in outcomes if entry.outcome == "completed"]
    if not len(drivers) == len(completed) == 1:
        text = f"of a race {sorted(drivers)} drove and {completed} completed"
        storm.complain(Broken.TWO_DRIVERS, text, story.run_id)
    for entry in outcomes:
        if entry.outcome in TOLD and entry.seconds > LONGEST_ANSWER_SECONDS:
            storm.complain(Broken.OTHER, f"{entry.attempt} was told only after {entry.seconds:.1f} s", story.run_id)


RACES = Kind(name="races", rage=race)
