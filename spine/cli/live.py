"""`LiveDisplay`: the steps of a run on a terminal, kept up to date while they run."""

import logging
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from spine import clock
from spine.cli import spelling
from spine.cli.output import is_terminal
from spine.orchestration.registry import DEFAULT_REGISTRY
from spine.records.event import BEGINNINGS, ENDINGS, Event, EventKind

_STEP_KINDS = (
    EventKind.STEP_STARTED,
    EventKind.STEP_COMPLETED,
    EventKind.STEP_SKIPPED,
    EventKind.STEP_FAILED,
)


class LiveDisplay:
    """Shows all steps of the run on a terminal and keeps the one that runs up to date."""

    def __init__(self) -> None:
        self._live: Live | None = None
        self._steps: StepList | None = None
        self._streams = sys.stdout, sys.stderr
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._leave_child_alone)

    def on_event(self, event: Event) -> None:
        """See `Hook`."""
        if event.kind in BEGINNINGS:
            self.close()  # the run before may have ended without a word
            self._open(event)
        if self._steps is not None:
            self._steps.hear(event)
        if event.kind in ENDINGS:
            self.close()

    def close(self) -> None:
        """See `Display`."""
        if self._live is None or self._steps is None:
            return
        self._steps.is_final = True
        live, self._live = self._live, None
        _redirect_logs((sys.stdout, sys.stderr), self._streams)
        live.stop()

    def _open(self, event: Event) -> None:
        names = DEFAULT_REGISTRY.get_workflow(event.workflow_name).step_names
        console = Console(stderr=True, highlight=False)
        self._steps = StepList(event, names, console)
        self._live = Live(
            console=console,
            get_renderable=self._steps.render,
            refresh_per_second=10,
            redirect_stdout=is_terminal(sys.stdout),
        )
        self._live.start(refresh=True)
        _redirect_logs(self._streams, (sys.stdout, sys.stderr))
        console.show_cursor(True)  # a second Ctrl-C or kill -9 must not leave the terminal without one

    def _leave_child_alone(self) -> None:
        """Give a forked child the real streams: the live ones have a lock whose thread it does not have."""
        if self._live is not None:
            self._live = None
            _redirect_logs((sys.stdout, sys.stderr), self._streams)
            sys.stdout, sys.stderr = self._streams


def _redirect_logs(old: Sequence[Any], new: Sequence[Any]) -> None:
    """Let the log handlers of user code, which hold a stream, write to another, so that they do not break the list."""
    for handler in _stream_handlers():
        for one, other in zip(old, new, strict=True):
            if handler.stream is one and one is not other:
                handler.stream = other
                break


def _stream_handlers() -> Iterator[Any]:
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    for handler in (handler for logger in loggers for handler in logger.handlers):
        if isinstance(handler, logging.StreamHandler):
            yield handler


class StepList:
    """The steps of one run and what is known of each, as rich shows them."""

    def __init__(self, event: Event, names: Sequence[str], console: Console) -> None:
        self.is_final = False
        self._event = event
        self._names = names
        self._console = console
        self._spinner = Spinner("dots", style="cyan")
        position = int(event.fields.get("position", 1))
        self._current = position - 1
        self._heard: dict[str, Event] = {}
        self._earlier = frozenset(names[: position - 1])
        self._skipped = frozenset(event.fields.get("skipped", ()))
        self._since: dict[str, float] = {}

    def hear(self, event: Event) -> None:
        """Take note of what happened to a step."""
        if event.step is None or event.kind not in _STEP_KINDS:
            return
        if event.kind is EventKind.STEP_STARTED:
            self._since[event.step] = clock.stopwatch()
            self._current = self._names.index(event.step)
        self._heard[event.step] = event

    def render(self) -> RenderableType:
        """Draw the list as it stands now."""
        longest = max(map(spelling.width, self._names))
        grid = Table.grid(padding=(0, 1), pad_edge=False, expand=True)
        grid.add_column(no_wrap=True, width=2)
        grid.add_column(no_wrap=True, overflow="ellipsis", width=min(longest, self._console.width // 2))
        grid.add_column(no_wrap=True, justify="right", min_width=8)
        grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        first, last = self._window()
        for name in self._names[first:last]:
            grid.add_row(*self._row(name))
        return self._with_heading(grid, first, len(self._names) - last)

    def _with_heading(self, grid: Table, before: int, after: int) -> RenderableType:
        heading = Text.assemble(
            (spelling.safe(self._event.workflow_name), "bold"), ("  run ", "dim"), spelling.safe(self._event.run_id)
        )
        parts: list[RenderableType] = [heading]
        if before:
            parts.append(Text(f"  … {spelling.count(before, 'step')} before", "dim"))
        parts.append(grid)
        if after:
            parts.append(Text(f"  … {spelling.count(after, 'step')} to come", "dim"))
        return Group(*parts)

    def _window(self) -> tuple[int, int]:
        """Choose the steps that fit on the screen, the current one among them; at the end all are shown."""
        room = max(self._console.size.height - 5, 3)
        total = len(self._names)
        if self.is_final or total <= room:
            return 0, total
        first = min(max(self._current - room * 2 // 3, 0), total - room)
        return first, first + room

    def _row(self, name: str) -> tuple[RenderableType, ...]:
        shown = spelling.safe(name)
        event = self._heard.get(name)
        if event is None:
            mark, note = self._unheard(name)
            return Text(f" {mark}", "dim"), Text(shown, "dim"), Text(""), Text(note, "dim")
        if event.kind is EventKind.STEP_STARTED:
            return self._running(name, shown)
        took = Text(spelling.duration(event.duration or 0.0), "dim")
        if event.kind is EventKind.STEP_SKIPPED:
            reason = spelling.safe(event.fields.get("reason") or "")
            return Text(" ↷", "yellow"), Text(shown), took, Text(f"skipped: {reason}", "yellow")
        if event.kind is EventKind.STEP_FAILED:
            why = spelling.safe(spelling.failure(event.error_type, event.error))
            return Text(" ✗", "red"), Text(shown, "bold"), took, Text(why, "red")
        return Text(" ✓", "green"), Text(shown), took, Text("")

    def _unheard(self, name: str) -> tuple[str, str]:
        if name in self._skipped:
            return "↷", "skipped"
        return ("✓", "earlier") if name in self._earlier else ("·", "")

    def _running(self, name: str, shown: str) -> tuple[RenderableType, ...]:
        seconds = clock.stopwatch() - self._since[name]
        mark = Text(" ") + self._spinner.render(seconds)
        return mark, Text(shown, "bold cyan"), Text(spelling.duration(seconds), "cyan"), Text("")
