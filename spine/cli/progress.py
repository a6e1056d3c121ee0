"""What people see of a run while it is driven: a live list of steps on a terminal, else a line an event."""

import sys
from typing import Protocol

from spine.cli import spelling
from spine.cli.output import is_terminal, say_raw
from spine.hooks.hook import Hook
from spine.records.event import BEGINNINGS, ENDINGS, Event, EventKind


class Display(Hook, Protocol):
    """A hook that shows what it hears until it is closed."""

    def close(self) -> None:
        """Leave the terminal as it was found."""


class Witness:
    """Remembers which run was driven, what this drive completed, and how many seconds it and each step took."""

    def __init__(self) -> None:
        self.run_id: str | None = None
        self.completed: list[str] = []
        self.durations: dict[str, float] = {}
        self.seconds = 0.0

    def on_event(self, event: Event) -> None:
        """See `Hook`."""
        self.run_id = event.run_id
        if event.kind is EventKind.STEP_COMPLETED and event.step is not None:
            self.completed.append(event.step)
        if event.step is not None and event.duration is not None and event.kind not in ENDINGS:
            self.durations[event.step] = event.duration
        if event.kind in ENDINGS:
            self.seconds = event.duration or 0.0


def choose_display(*, verbose: bool, quiet: bool) -> Display:
    """Choose what fits stderr; with the whole log on it there is nothing left to show."""
    if verbose or quiet:
        return NoDisplay()
    if not is_terminal(sys.stderr):
        return LineDisplay()
    from spine.cli.live import LiveDisplay  # noqa: PLC0415  # rich is for terminals

    return LiveDisplay()


class NoDisplay:
    """Shows nothing."""

    def on_event(self, event: Event) -> None:
        """See `Hook`."""

    def close(self) -> None:
        """See `Display`."""


class LineDisplay:
    """Writes one plain line an event to stderr, with its time in UTC: for cron and log files."""

    def on_event(self, event: Event) -> None:
        """See `Hook`."""
        text = line(event)
        if text is not None:
            say_raw(f"{event.at:%Y-%m-%dT%H:%M:%SZ} {spelling.safe(text)}")

    def close(self) -> None:
        """See `Display`."""


def line(event: Event) -> str | None:
    """Spell an event for people; None for one that tells them nothing."""
    if event.kind is EventKind.CHECKPOINT_SAVED:
        return None
    took = "" if event.duration is None else spelling.duration(event.duration)
    verb = event.kind.value.partition(".")[2]
    if event.kind in BEGINNINGS:
        where = f"step {event.fields.get('position')} of {event.fields.get('steps')}"
        told = f"run {event.run_id} of {event.workflow_name} {verb} at {where}, {event.fields.get('from_step')}"
        skipped = ", ".join(event.fields.get("skipped", ()))
        return f"{told}; skipped: {skipped}" if skipped else told
    if event.kind in ENDINGS:
        return f"run {event.run_id} of {event.workflow_name} {verb} after {took}"
    reason = spelling.failure(event.error_type, event.error) or event.fields.get("reason")
    after = f" after {took}" if took else ""
    place = f"{event.fields.get('position')}/{event.fields.get('steps')}"
    return f"{place} {event.step} {verb}{after}" + (f": {reason}" if reason else "")
