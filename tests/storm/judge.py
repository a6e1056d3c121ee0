"""What must hold of a run, by its diary, by raw SQL and by Spine's own word."""

from collections.abc import Collection, Iterator, Sequence

from spine.orchestration import Run
from tests.storm.diary import Entry
from tests.storm.record import Record
from tests.storm.story import Seen, Story
from tests.storm.tally import Broken, Complaint


def judge_diary(
    story: Story, entries: Sequence[Entry], *, zombies: Collection[str] = (), starting: Collection[str] = ()
) -> Iterator[Complaint]:
    """Follow what the steps wrote: who saw what, what ran again, what was passed over.

    `zombies` names the attempts that lost their lease while they were stopped: they wake up in the middle of a run
    that somebody else drives, and may then finish the step they are in, and nothing else. `starting` names those of
    them that were stopped on the last few calls before the step's function: they are in it, as far as Spine can know.
    """
    drives = Drives(story, zombies, starting)
    for entry in entries:
        yield from drives.follow(entry)


class Drives:
    """The attempts at one run, followed line by line.

    `settled` steps are committed for certain: a later one has started, or the table showed them. `reached` steps
    have ended. An attempt begins between the two, right after a checkpoint, and goes on step by step.
    """

    def __init__(self, story: Story, zombies: Collection[str], starting: Collection[str]) -> None:
        self._story = story
        self._zombies = zombies
        self._starting = set(starting)
        self._settled = 0
        self._reached = 0
        self._last: dict[str, int] = {}
        self._driver = ""

    def follow(self, entry: Entry) -> Iterator[Complaint]:
        index = self._story.step_names.index(entry.step)
        if entry.what == "committed":
            self._settled = max(self._settled, index + 1)
        elif self._is_overtaken(entry.attempt):
            yield from self._judge_overtaken(entry)
        elif entry.what == "end":
            self._reached = max(self._reached, index + 1)
        else:
            yield from self._judge_start(entry, index)
            self._settled = max(self._settled, self._story.settled_before(index))
            self._last[entry.attempt] = index
            self._driver = entry.attempt

    def _is_overtaken(self, attempt: str) -> bool:
        has_driven = attempt in self._last or attempt in self._zombies
        return has_driven and self._driver not in ("", attempt)

    def _judge_overtaken(self, entry: Entry) -> Iterator[Complaint]:
        is_zombie = entry.attempt in self._zombies
        if entry.what == "start" and entry.attempt in self._starting:
            self._starting.remove(entry.attempt)
            return
        if entry.what == "start" or not is_zombie:
            who = "the zombie " if is_zombie else ""
            yield self._complain(
                Broken.TWO_DRIVERS, f"{who}{entry.attempt} {entry.what}s {entry.step!r} after {self._driver} took over"
            )

    def _judge_start(self, entry: Entry, index: int) -> Iterator[Complaint]:
        where = f"{entry.attempt} starts {entry.step!r}"
        if entry.seen != self._story.expected[index].digest:
            yield self._complain(Broken.WRONG, f"{where} and sees a context that is not the committed one")
        if index < self._settled:
            yield self._complain(Broken.REPEATED, f"{where}, but {self._settled} steps are committed")
        elif entry.attempt in self._last:
            if index != self._last[entry.attempt] + 1:
                yield self._complain(Broken.LOST, f"{where} after step number {self._last[entry.attempt]}")
        elif index > self._reached:
            yield self._complain(Broken.LOST, f"{where}, but only {self._reached} steps have ended")
        elif index and not self._story.saves(index - 1):
            yield self._complain(Broken.LOST, f"{where}, which does not follow a checkpoint")

    def _complain(self, broken: Broken, text: str) -> Complaint:
        return Complaint(broken=broken, text=text, run_id=self._story.run_id)


def judge_end(story: Story, record: Record | None, entries: Sequence[Entry]) -> Iterator[Complaint]:
    """Look at the tables once a run should have completed."""
    if record is None or record.status != "completed":
        state = "is not there" if record is None else f"is {record.status} ({record.error_type})"
        yield Complaint(broken=Broken.LOST, text=f"the run {state} at the end", run_id=story.run_id)
        return
    ended = {(entry.attempt, entry.step) for entry in entries if entry.what == "end"}
    for broken, is_wrong, text in (
        (Broken.LOST, _missing(story, ended), "steps that never ended"),
        (Broken.LOST, _misplaced(story, record), "checkpoints that are not the expected ones in their order"),
        (Broken.WRONG, _unlike(story, record), "checkpoints with another output than an undisturbed run"),
        (Broken.REPEATED, _unwritten(record, ended), "checkpoints by attempts that did not end the step"),
        (Broken.TWO_DRIVERS, _interleaved(record), "attempts that wrote in turns"),
        (Broken.OTHER, _odd_history(record), "a history that does not fit the fence"),
        (Broken.OTHER, record.is_held, "a lease that outlived the run"),
    ):
        if is_wrong:
            yield Complaint(broken=broken, text=f"{text}: {is_wrong}", run_id=story.run_id)


def judge_context(story: Story, run: Run) -> Iterator[Complaint]:
    """Compare what Spine says it knows with what an undisturbed run would know."""
    if Seen.by(run.context).digest != story.end.digest:
        yield Complaint(
            broken=Broken.WRONG, text="the final context is not that of an undisturbed run", run_id=run.run_id
        )


def repetitions(entries: Sequence[Entry]) -> int:
    """How many times a step was started again."""
    started = [entry.step for entry in entries if entry.what == "start"]
    return len(started) - len(set(started))


def _missing(story: Story, ended: Collection[tuple[str, str]]) -> list[str]:
    steps = {step for _, step in ended}
    return [name for name in story.step_names if name not in steps]


def _misplaced(story: Story, record: Record) -> list[tuple[int, str]]:
    found = [(saved.sequence, saved.step) for saved in record.saved]
    return found if found != list(enumerate(story.saved, 1)) else []


def _unlike(story: Story, record: Record) -> list[str]:
    expected = {scene.name: story.expected[index].digest for index, scene in enumerate(story.scenes)}
    return [saved.step for saved in record.saved if saved.seen != expected.get(saved.step)]


def _unwritten(record: Record, ended: Collection[tuple[str, str]]) -> list[str]:
    return [saved.step for saved in record.saved if (saved.attempt, saved.step) not in ended]


def _interleaved(record: Record) -> list[str]:
    writers = [saved.attempt for saved in record.saved]
    turns = [writer for writer, before in zip(writers, ["", *writers], strict=False) if writer != before]
    return turns if len(turns) != len(set(turns)) else []


def _odd_history(record: Record) -> dict[str, int]:
    counts = {kind: record.events.count(kind) for kind in set(record.events)}
    claims = counts.get("run.resumed", 0) + counts.get("run.taken_over", 0)
    fits = (counts.get("run.created"), counts.get("run.completed"), claims) == (1, 1, record.fence - 1)
    return {} if fits else {**counts, "fence": record.fence}
