"""What must hold of a run, by its diary, by raw SQL and by Spine's own word."""

from collections.abc import Iterator, Mapping, Sequence

from spine.orchestration import Run
from tests.storm.diary import Entry
from tests.storm.drives import Drives
from tests.storm.record import Record
from tests.storm.story import Seen, Story
from tests.storm.tally import Broken, Complaint


def judge_diary(drives: Drives, entries: Sequence[Entry]) -> Iterator[Complaint]:
    """Follow what the steps wrote: who saw what, what ran again, what was passed over."""
    for entry in entries:
        yield from drives.follow(entry)


def judge_end(story: Story, record: Record | None, writers: Mapping[str, str]) -> Iterator[Complaint]:
    """Look at the tables once a run should have completed; `writers` are the last to end each step."""
    if record is None or record.status != "completed":
        state = "is not there" if record is None else f"is {record.status} ({record.error_type})"
        yield Complaint(broken=Broken.LOST, text=f"the run {state} at the end", run_id=story.run_id)
        return
    for broken, is_wrong, text in (
        (Broken.LOST, _missing(story, writers), "steps that never ended"),
        (Broken.LOST, _misplaced(story, record), "checkpoints that are not the expected ones in their order"),
        (Broken.WRONG, _unlike(story, record), "checkpoints with another output than an undisturbed run"),
        (Broken.TWO_DRIVERS, _foreign(record, writers), "checkpoints by others than the last to end the step"),
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


def _missing(story: Story, writers: Mapping[str, str]) -> list[str]:
    return [name for name in story.step_names if name not in writers]


def _misplaced(story: Story, record: Record) -> list[tuple[int, str]]:
    found = [(saved.sequence, saved.step) for saved in record.saved]
    return found if found != list(enumerate(story.saved, 1)) else []


def _unlike(story: Story, record: Record) -> list[str]:
    expected = {scene.name: story.expected[index].digest for index, scene in enumerate(story.scenes)}
    return [saved.step for saved in record.saved if saved.seen != expected.get(saved.step)]


def _foreign(record: Record, writers: Mapping[str, str]) -> list[str]:
    return [f"{saved.step} by {saved.attempt}" for saved in record.saved if saved.attempt != writers.get(saved.step)]


def _interleaved(record: Record) -> list[str]:
    writers = [saved.attempt for saved in record.saved]
    turns = [writer for writer, before in zip(writers, ["", *writers], strict=False) if writer != before]
    return turns if len(turns) != len(set(turns)) else []


def _odd_history(record: Record) -> dict[str, int]:
    counts = {kind: record.events.count(kind) for kind in set(record.events)}
    claims = counts.get("run.resumed", 0) + counts.get("run.taken_over", 0)
    fits = (counts.get("run.created"), counts.get("run.completed"), claims) == (1, 1, record.fence - 1)
    return {} if fits else {**counts, "fence": record.fence}
