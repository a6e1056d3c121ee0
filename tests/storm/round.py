"""`Round`: one storm over one database of its own, and what must hold when it is over."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

from spine.orchestration import WorkflowRunner
from spine.orchestration.executor import Executor
from spine.orchestration.forks import Forks
from spine.orchestration.heartbeat import Pulse
from spine.orchestration.interrupts import Interrupts
from tests.storm import diary
from tests.storm.crew import Worker, until, wait_for_all
from tests.storm.diary import Entry
from tests.storm.drives import Drives
from tests.storm.judge import judge_context, judge_diary, judge_end, repetitions
from tests.storm.order import Doom, Order, Verb, diary_of
from tests.storm.place import Database, Place
from tests.storm.plot import FAILURES
from tests.storm.record import Record, read_record
from tests.storm.story import Story
from tests.storm.tally import Broken, Complaint, Tally, Tried

# Where Spine decides, and where it writes; and about as many calls as it makes there before the first step, and
# for each. What only encodes values has most of the calls and none of the danger.
CALLS = {"orchestration": (160, 65), "stores/sql": (400, 30)}
# Where Spine has looked at the lease for the last time before a step.
CALLING_A_STEP = frozenset(
    call.__qualname__ for call in (Pulse.require, Executor.attempt, Interrupts.__enter__, Forks.__enter__)
)
# A zombie that wakes up hears that it lost its lease, or that another one that still sleeps has locked the file.
ENDS_OF_ZOMBIES = frozenset({"LeaseLost", "StoreBusy"})
ALWAYS_ALLOWED = frozenset({"completed", "failed", "RunIsHeld", "RunAlreadyCompleted", "NotCrashed"})


class Round:
    """The stage of one storm: dice, stories, workers, and the complaints about all of them.

    Everything that is decided here comes from the dice, which come from the seed and the round's name.
    """

    def __init__(self, name: str, seed: str, place: Place, database: Database, folder: Path, *, is_short: bool) -> None:
        self.name = name
        self._is_short = is_short
        self.place = place
        self.database = database
        self.folder = folder
        self.dice = Random(f"{seed}/{name}")
        self.tally = Tally()
        self._workers: list[Worker] = []

    def some(self, most: int) -> int:
        """Give this many, or two in a short round."""
        return 2 if self._is_short else most

    def stories(self, count: int, *, seconds: float = 0.01, is_sparse: bool | None = None) -> list[Story]:
        """Make up new runs."""
        self.tally.tried[Tried.RUNS] += count
        return [Story.of(f"run-{number}", self.dice, seconds=seconds, is_sparse=is_sparse) for number in range(count)]

    def start(self, verb: Verb, *stories: Story, **wishes: Any) -> Worker:
        """Start a process that does this with these runs."""
        order = Order(
            worker=f"w{len(self._workers)}",
            folder=self.folder,
            verb=verb,
            stories=stories,
            dice=str(self.dice.getrandbits(32)),
            **{"url": self.database.url, **wishes},
        )
        self._workers.append(Worker(order))
        return self._workers[-1]

    def doom(self, *signums: int, steps: int) -> Doom:
        """Choose an instant in a drive of so many steps; now and then it comes to its end before."""
        part, (to_begin, a_step) = self.dice.choice(sorted(CALLS.items()))
        calls = self.dice.randint(1, to_begin + a_step * steps)
        return Doom(signum=self.dice.choice(signums), calls=calls, part=part)

    def wait(self, *workers: Worker) -> None:
        """Wait until workers are over and note what the tables show by then."""
        wait_for_all(workers)
        self.observe(*(story for worker in workers for story in worker.order.stories))

    def observe(self, *stories: Story) -> None:
        """Note in the diary what is committed by now: none of it may ever be started again."""
        for story in set(stories):
            record = self.record(story)
            if record is not None and record.saved:
                path = diary_of(self.folder, story.run_id)
                diary.note(path, "committed", step=record.saved[-1].step)

    def record(self, story: Story) -> Record | None:
        with self.database.rows() as rows:
            return read_record(rows, story.run_id)

    def diary(self, story: Story) -> list[Entry]:
        return diary.entries(diary_of(self.folder, story.run_id))

    def complain(self, broken: Broken, text: str, run_id: str = "") -> None:
        self.hear([Complaint(broken=broken, text=text, run_id=run_id)])

    def hear(self, complaints: Collection[Complaint]) -> None:
        self.tally.complaints += [(self.name, complaint) for complaint in complaints]

    def finish(self, stories: Sequence[Story]) -> None:
        """Bring every run to its end in calm weather, and judge it."""
        self.wait(*(self.start("drive", story) for story in stories))
        for story in stories:
            self.judge(story)

    def judge(self, story: Story) -> None:
        """Check a run that should have completed."""
        entries, record = self.diary(story), self.record(story)
        zombies = {entry.attempt for entry in self.outcomes() if entry.outcome in ENDS_OF_ZOMBIES}
        starting = {f"{worker.name}.1" for worker in self._workers if worker.was_struck_in(CALLING_A_STEP)}
        drives = Drives(story, zombies=zombies, starting=starting)
        self.hear([*judge_diary(drives, entries)])
        self.hear([*judge_end(story, record, drives.writers)])
        if record is not None:
            with WorkflowRunner(self.database.url) as runner:
                self.hear([*judge_context(story, runner.get_run(story.run_id))])
            self.tally.tried[Tried.RESUMES] += record.fence - 1
        self.tally.tried[Tried.STEPS] += sum(entry.what == "start" for entry in entries)
        self.tally.tried[Tried.AGAIN] += repetitions(entries)

    def outcomes(self, *workers: Worker) -> list[Entry]:
        """How the attempts of these workers ended, or of all."""
        return [entry for worker in workers or self._workers for entry in worker.notes("ended")]

    def judge_workers(self, *, allowed: Collection[str] = (), exit_codes: Collection[int] = (0,)) -> None:
        """Complain about every attempt that ended in a way it should not have, and about whoever hung."""
        for worker in self._workers:
            if worker.exit_code not in exit_codes:
                self.complain(
                    Broken.OTHER, f"worker {worker.name} ended with {worker.exit_code}: {_last_words(worker)}"
                )
        for entry in self.outcomes():
            is_known = entry.outcome in ALWAYS_ALLOWED or entry.outcome in allowed
            if not is_known or (entry.outcome == "failed" and entry.error_type not in {*FAILURES, *allowed}):
                text = f"{entry.attempt} ended with {entry.outcome} {entry.error_type}: {entry.text}"
                self.complain(Broken.OTHER, text, entry.run_id)

    def end(self) -> None:
        """Leave no process behind."""
        for worker in self._workers:
            worker.end()


@contextmanager
def round_on(place: Place, name: str, seed: str, folder: Path, *, is_short: bool = False) -> Iterator[Round]:
    """Open a round with a database of its own."""
    folder.mkdir(parents=True)
    with place.database(folder) as database:
        each = Round(name, seed, place, database, folder, is_short=is_short)
        try:
            yield each
        finally:
            each.end()


def wait_until_ready(workers: Sequence[Worker]) -> None:
    until(lambda: all(worker.is_ready() for worker in workers), seconds=30)


def _last_words(worker: Worker) -> str:
    hung = worker.order.journal.with_suffix(".hung")
    text = hung.read_text() if hung.exists() else ""
    with suppress(IndexError):
        return text or worker.notes("ended")[-1].text
    return text
