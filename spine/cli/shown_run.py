"""Tells everything that is known of one run: as JSON, and to people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from spine import clock
from spine.cli import render, spelling
from spine.cli.outlook import Outlook
from spine.cli.output import out
from spine.cli.render import Cell, Column, faint, state
from spine.cli.resume_command import ResumeCommand
from spine.cli.story import AGAIN, MAY_HAVE_RUN, StepStanding, Story
from spine.records.checkpoint import CheckpointSummary
from spine.records.event import Event
from spine.records.run import RunStatus, RunSummary

LONGEST_VALUE = 400


def summary_document(run: RunSummary) -> dict[str, Any]:
    """Give a run as JSON says it in a list."""
    lease = run.lease
    return {
        "run_id": run.run_id,
        "workflow_name": run.workflow_name,
        "status": run.status.value,
        "state": run.state,
        "current_step": run.current_step,
        "error_step": run.error_step,
        "error": run.error,
        "error_type": run.error_type,
        "error_category": run.error_category,
        "lease": lease
        and {
            "holder": lease.holder,
            "fence": lease.fence,
            "acquired_at": lease.acquired_at,
            "expires_at": lease.expires_at,
        },
        "created_at": run.created_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "updated_at": run.updated_at,
        "removed_at": run.removed_at,
        "removed_because": run.removed_because,
        "step_names": list(run.definition.names),
        "source": run.definition.source,
    }


def run_document(outlook: Outlook, resume: ResumeCommand | None) -> dict[str, Any]:
    """Give a run as JSON shows it."""
    story = outlook.story
    return {
        **summary_document(story.run),
        "params": None if story.context is None else render.plain(story.context.params),
        "pending_params": render.plain(story.pending),
        "partition": None if story.context is None else render.plain(story.context.partition),
        "steps": [
            {
                "name": step.name,
                "kind": step.kind,
                "state": step.state,
                "has_checkpoint": step.checkpoint is not None,
                "duration": render.plain(_duration(step.checkpoint)),
            }
            for step in story.standings()
        ],
        "events": [_event_document(event) for event in story.events],
        "next_step": outlook.goes_on_at,
        "resume_command": resume.line if resume else None,
        "resume_refused": outlook.refusal,
    }


def lasted(run: RunSummary) -> str:
    """Spell the time from the start to the end, or to now; when a crashed run died nobody knows."""
    if run.started_at is None or run.is_crashed:
        return ""
    end = run.finished_at or (clock.now() if run.status is RunStatus.RUNNING else run.updated_at)
    return spelling.duration((end - run.started_at).total_seconds())


def print_run(outlook: Outlook) -> None:
    """Show a run to people: what is known of it, its steps, its history, and where its failure came from."""
    story = outlook.story
    render.print_facts(_facts(story, outlook.goes_on_at))
    _print_steps(story.standings())
    _print_events(story.events)
    _print_traceback(story)


def _facts(story: Story, goes_on_at: str | None) -> list[tuple[str, Cell | str]]:
    run = story.run
    facts: list[tuple[str, Cell | str]] = [
        ("run", run.run_id),
        ("workflow", run.workflow_name),
        ("defined in", faint(run.definition.source)),
        ("state", state(run.state)),
        ("failed at", run.error_step or ""),
        ("error", Cell(_error(run), "red")),
        ("driven by", _holder(run)),
        ("started", _when(run.started_at)),
        ("ended", _when(run.finished_at)),
        ("last change", _when(run.updated_at) if run.finished_at is None else ""),
        ("lasted", lasted(run)),
        ("checkpoints", removal(run)),
        *_given(story),
    ]
    if goes_on_at is not None:
        new = "" if goes_on_at in run.definition.names else ", a step that the workflow has now"
        facts.append(("goes on at", Cell(f"{goes_on_at}{new}", "cyan")))
    return facts


def _given(story: Story) -> list[tuple[str, Cell | str]]:
    """Give the partition and the params, and say which of them no checkpoint carries yet."""
    context, pending = story.context, story.pending
    facts: list[tuple[str, Cell | str]] = []
    if context is None:
        facts.append(("damaged", Cell("the params cannot be read; the last line on stderr says why", "red")))
    else:
        facts += [(f"partition {name}", short(value)) for name, value in context.partition.items()]
        facts += [(f"param {name}", short(value)) for name, value in context.params.items() if name not in pending]
    return facts + [
        (f"param {name}", f"{short(value)} (given to the last drive, in no checkpoint yet)")
        for name, value in pending.items()
    ]


def short(value: Any) -> str:
    """Spell a value in one line, cut to 400 characters."""
    return spelling.cut(spelling.safe(render.one_line(value)), LONGEST_VALUE)


def _error(run: RunSummary) -> str:
    if run.error is None:
        return ""
    category = "" if run.error_category in (None, "internal") else f" ({run.error_category})"
    return f"{spelling.failure(run.error_type, run.error)}{category}"


def _holder(run: RunSummary) -> str:
    if run.lease is None:
        return ""
    since, until = spelling.moment(run.lease.acquired_at), spelling.moment(run.lease.expires_at)
    return f"{run.lease.holder} since {since}, lease until {until} UTC"


def removal(run: RunSummary) -> str:
    """Say when and why the checkpoints of a run went; nothing if they did not."""
    if run.removed_at is None:
        return ""
    return f"{run.removed_because} on {spelling.moment(run.removed_at)} UTC; the run cannot go on"


def _when(moment: datetime | None) -> str:
    if moment is None:
        return ""
    return f"{spelling.moment(moment)} UTC, {spelling.ago(moment, clock.now())}"


def _print_steps(steps: Sequence[StepStanding]) -> None:
    columns = [
        Column("STEP", yields=True),
        Column("KIND"),
        Column("STATE"),
        Column("TOOK", right=True),
        Column("CHECKPOINT (UTC)"),
        Column("SIZE", right=True, is_luxury=True),
    ]
    out("")
    render.print_table(columns, [_step_row(step) for step in steps])
    if any(step.state == AGAIN for step in steps):
        out("again: done, but without a checkpoint; a resume runs it again")
    if any(step.state == MAY_HAVE_RUN for step in steps):
        out("may have run: nobody knows how far the run came after its newest checkpoint")


def _print_events(events: Sequence[Event]) -> None:
    columns = [
        Column("HAPPENED (UTC)"),
        Column("WHAT"),
        Column("BY", yields=True),
        Column("DETAILS", yields=True, folds=True),
    ]
    rows: list[list[Cell | str]] = [
        [faint(spelling.moment(event.at)), event.kind.value, faint(event.actor or ""), _details(event)]
        for event in events
    ]
    if rows:
        out("")
        render.print_table(columns, rows)


def _print_traceback(story: Story) -> None:
    """Show where the last failure came from, while it is what the run stands at."""
    failures = [event for event in story.events if event.traceback]
    if story.run.error is not None and failures:
        out("\n".join(["", "FAILED AT", *map(spelling.safe, str(failures[-1].traceback).splitlines())]))


def _details(event: Event) -> str:
    said = {name: value for name, value in event.fields.items() if name not in ("error", "error_type", "traceback")}
    parts = [event.step or ""]
    if event.error is not None:
        parts.append(spelling.failure(event.error_type, event.error))
        said.pop("error_category", None)
    parts += [f"{name}={render.one_line(value)}" for name, value in said.items()]
    return " ".join(filter(None, [*parts, f"because: {event.reason}" if event.reason else ""]))


def _event_document(event: Event) -> dict[str, Any]:
    return {
        "kind": event.kind.value,
        "at": event.at,
        "step": event.step,
        "actor": event.actor,
        "reason": event.reason,
        "details": render.plain(event.fields),
    }


def _step_row(step: StepStanding) -> list[Cell | str]:
    saved = step.checkpoint
    return [
        step.name,
        faint(step.kind),
        state(step.state),
        spelling.took(_duration(saved)),
        faint(spelling.moment(saved.updated_at) if saved else ""),
        faint(spelling.size(saved.size) if saved else ""),
    ]


def _duration(saved: CheckpointSummary | None) -> Any:
    return None if saved is None else saved.metadata.get("duration")
