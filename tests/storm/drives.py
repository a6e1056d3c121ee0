"""`Drives`: the attempts at one run, as the diary tells them."""

from collections.abc import Collection, Iterator

from tests.storm.diary import Entry
from tests.storm.story import Story
from tests.storm.tally import Broken, Complaint


class Drives:
    """The attempts at one run, followed line by line.

    `settled` steps are committed for certain: a later one has started, or the table showed them. `reached` steps
    have ended. An attempt begins between the two, right after a checkpoint, and goes on step by step. `writers` are
    the last to end each step, and so the only ones that can have written its checkpoint.

    `zombies` names the attempts that lost their lease while they were stopped: they wake up in the middle of a run
    that somebody else drives, and may then finish the step they are in, and nothing else. `starting` names those of
    them that were stopped on the last few calls before the step's function: they are in it, as far as Spine can know.
    """

    def __init__(self, story: Story, *, zombies: Collection[str] = (), starting: Collection[str] = ()) -> None:
        self._story = story
        self._zombies = zombies
        self._starting = set(starting)
        self._settled = 0
        self._reached = 0
        self._last: dict[str, int] = {}
        self._driver = ""
        self.writers: dict[str, str] = {}

    def follow(self, entry: Entry) -> Iterator[Complaint]:
        index = self._story.step_names.index(entry.step)
        if entry.what == "committed":
            self._settled = max(self._settled, index + 1)
        elif self._is_overtaken(entry.attempt):
            yield from self._judge_overtaken(entry)
        elif entry.what == "end":
            self._reached = max(self._reached, index + 1)
            self.writers[entry.step] = entry.attempt
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
