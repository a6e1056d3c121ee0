"""`spine runs`: list, show, cancel."""

import re
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from spine import clock
from spine.cli import loading, render, spelling
from spine.cli.failures import ExitCode
from spine.cli.options import Options, ReasonOption, command, new_app
from spine.cli.output import out, say
from spine.cli.render import Cell, Column, faint, state
from spine.cli.resume_command import ResumeCommand, resume_command
from spine.cli.story import AGAIN, StepStanding, Story
from spine.errors import InvalidSetting, alike
from spine.orchestration.absence import LOOKED_AT
from spine.orchestration.runner import WorkflowRunner
from spine.records.checkpoint import CheckpointSummary
from spine.records.event import Event
from spine.records.run import RunList, RunStatus, RunSummary

app = new_app("List, show and cancel runs.")

MOST = 1_000_000
LONGEST_VALUE = 400
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGE = re.compile(r"([0-9]{1,9})([smhdw])")

RunId = Annotated[str, typer.Argument(metavar="RUN_ID", help="The id of the run.", show_default=False)]
NEEDS_APP = "to resume it, name the file or module of its workflow with --app, or set SPINE_APP"


@app.command("list")
@command
def list_runs(
    options: Options,
    *,
    status: Annotated[
        str | None,
        typer.Option(metavar="STATUS", help="running, completed, failed, cancelled, crashed, waiting or pending."),
    ] = None,
    workflow: Annotated[str | None, typer.Option(metavar="NAME", help="Only runs of this workflow.")] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Only runs made since: 2026-01-31, 2026-01-31T06:00Z (UTC), or 30m, 12h, 7d ago."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="Only the newest so many.")] = 100,
) -> None:
    """List runs, the newest last; damaged ones are named on stderr, and the exit code is then 1.

    Example: spine runs list --status failed --since 7d
    """
    moment = None if since is None else parse_since(since, clock.now())
    with loading.open_runner(options) as runner:
        location = runner.location
        found = runner.list_runs(status=status, workflow=workflow, since=moment, limit=limit)
        instead = _workflow_meant(workflow, runner) if workflow is not None and not (found or found.damaged) else ""
    if options.json:
        render.print_json([summary_document(run) for run in found])
    elif found:
        _print_runs(found)
    elif not found.damaged:
        say(f"no run in {location} matches{instead}" if status or workflow or since else f"no runs in {location}")
    if len(found) == limit:
        say(f"these are the newest {limit:,}; show more with --limit")
    _tell_damaged(found)


@app.command("show")
@command
def show(options: Options, *, run_id: RunId) -> None:
    """Show everything about a run: state, error, steps, params, and how to resume it.

    What is damaged is named on stderr, the rest is shown, and the exit code is 1.

    Example: spine runs show 6f1c0c2e-5a63-4b0e-9f5e-1f6b8f0c9a51
    """
    with loading.open_runner(options) as runner:
        story = Story.of(runner, run_id)
    goes_on_at = story.resumes_at
    resume = resume_command(run_id, options, app=options.app) if goes_on_at else None
    if options.json:
        render.print_json(_run_document(story, goes_on_at, resume))
    else:
        render.print_facts(_facts(story, goes_on_at))
        _print_steps(story.standings())
        _print_events(story.events)
        _print_traceback(story)
        if resume is not None:
            out("\n".join(["", *_told(resume, options)]))
    for damage in story.damages:
        say(str(damage))
    if story.damages:
        raise typer.Exit(ExitCode.FAILED)


@app.command("cancel")
@command
def cancel(options: Options, *, run_id: RunId, reason: ReasonOption = None) -> None:
    """Cancel a run that has not completed, also one that another process drives.

    Example: spine runs cancel 6f1c0c2e-5a63-4b0e-9f5e-1f6b8f0c9a51
    """
    with loading.open_runner(options) as runner:
        before = runner.get_summary(run_id)
        run = runner.cancel(run_id, reason=reason)
    resume = resume_command(run_id, options, app=options.app) if run.removed_at is None else None
    if options.json:
        render.print_json({**summary_document(run), "resume_command": resume.line if resume else None})
        return
    options.confirm(spelling.safe(f"run {run.run_id} of {run.workflow_name} {_how_cancelled(before)}"))
    for told in _told(resume, options) if resume and not options.quiet else ():
        say(told)


def _workflow_meant(name: str, runner: WorkflowRunner) -> str:
    """Ask whether a workflow of the newest runs was meant, if no run is of the one named."""
    if runner.list_runs(workflow=name, limit=1):
        return ""
    near = alike(name, {run.workflow_name for run in runner.list_runs(limit=LOOKED_AT)}, most=1)
    return "".join(f"; did you mean --workflow {shlex.quote(one)}?" for one in near)


def _how_cancelled(before: RunSummary) -> str:
    if before.status is RunStatus.CANCELLED:
        return "was cancelled already"
    if before.lease is None:
        return "is cancelled"
    return (
        f"is cancelled; {before.lease.holder} drove it and stops at its next write: "
        "what its step still does must be over before you resume"
    )


def _told(resume: ResumeCommand, options: Options) -> list[str]:
    return [*([NEEDS_APP] if loading.app_of(options) is None else []), *resume.lines()]


def parse_since(text: str, now: datetime) -> datetime:
    """Read an ISO 8601 date or time, UTC unless it says otherwise, or an age such as 7d; raise `InvalidSetting`."""
    age = _AGE.fullmatch(text)
    try:
        if age:
            return now - timedelta(**{_UNITS[age[2]]: int(age[1])})
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidSetting(
            f"--since takes a time such as 2026-01-31, 2026-01-31T06:00Z, 2w, 7d, 12h or 30m, not {text[:100]!r}"
        ) from None


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


def _run_document(story: Story, goes_on_at: str | None, resume: ResumeCommand | None) -> dict[str, Any]:
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
        "next_step": goes_on_at,
        "resume_command": resume.line if resume else None,
    }


def _print_runs(found: Sequence[RunSummary]) -> None:
    columns = [
        Column("RUN"),
        Column("WORKFLOW", yields=True),
        Column("STATE"),
        Column("STEP", yields=True),
        Column("STARTED"),
        Column("AT (UTC)", is_luxury=True),
        Column("LASTED", right=True, is_luxury=True),
    ]
    rows: list[list[Cell | str]] = [
        [
            run.run_id,
            run.workflow_name,
            state(run.state),
            "" if run.status is RunStatus.COMPLETED else run.error_step or run.current_step or "",
            spelling.ago(run.started_at or run.created_at, clock.now()),
            faint(spelling.moment(run.started_at or run.created_at)),
            _lasted(run),
        ]
        for run in found
    ]
    render.print_table(columns, rows)


def _tell_damaged(found: RunList) -> None:
    """Name the runs that could not be read, and exit as after any error."""
    for run in found.damaged:
        say(f"run {run.run_id!r} of {run.workflow_name} is not listed: {run.error}")
    if found.damaged:
        raise typer.Exit(ExitCode.FAILED)


def _lasted(run: RunSummary) -> str:
    """Spell the time from the start to the end, or to now; when a crashed run died nobody knows."""
    if run.started_at is None or run.is_crashed:
        return ""
    end = run.finished_at or (clock.now() if run.status is RunStatus.RUNNING else run.updated_at)
    return spelling.duration((end - run.started_at).total_seconds())


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
        ("lasted", _lasted(run)),
        ("checkpoints", _removal(run)),
        *_given(story),
    ]
    if goes_on_at is not None:
        facts.append(("goes on at", Cell(goes_on_at, "cyan")))
    return facts


def _given(story: Story) -> list[tuple[str, Cell | str]]:
    """Give the partition and the params, and say which of them no checkpoint carries yet."""
    context, pending = story.context, story.pending
    facts: list[tuple[str, Cell | str]] = []
    if context is None:
        facts.append(("damaged", Cell("the params cannot be read; the last line on stderr says why", "red")))
    else:
        facts += [(f"partition {name}", _short(value)) for name, value in context.partition.items()]
        facts += [(f"param {name}", _short(value)) for name, value in context.params.items() if name not in pending]
    return facts + [
        (f"param {name}", f"{_short(value)} (given to the last drive, in no checkpoint yet)")
        for name, value in pending.items()
    ]


def _short(value: Any) -> str:
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


def _removal(run: RunSummary) -> str:
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


def _print_events(events: Sequence[Event]) -> None:
    columns = [Column("HAPPENED (UTC)"), Column("WHAT"), Column("BY", yields=True), Column("DETAILS", yields=True)]
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
