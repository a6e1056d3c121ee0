"""`spine runs`: list, show, cancel."""

import re
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from spine import clock
from spine.cli import loading, render, spelling
from spine.cli.failures import ExitCode
from spine.cli.options import Options, ReasonOption, command, new_app
from spine.cli.outlook import Outlook
from spine.cli.output import out, say, stdout_kept_for_data
from spine.cli.render import Cell, Column, faint, state
from spine.cli.resume_command import ResumeCommand, resume_command
from spine.cli.shown_run import lasted, print_run, run_document, summary_document
from spine.cli.story import Story, readable_summary
from spine.errors import InvalidSetting, alike
from spine.orchestration.absence import LOOKED_AT
from spine.orchestration.listing import LONGEST_LIST
from spine.orchestration.runner import WorkflowRunner
from spine.records.run import RunList, RunStatus, RunSummary

app = new_app("List, show and cancel runs.")

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
    limit: Annotated[int, typer.Option(min=1, max=LONGEST_LIST, help="Only the newest so many.")] = 100,
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
    if len(found) + len(found.damaged) == limit:
        say(f"these are the newest {limit:,}; if there are older ones, --limit shows more")
    _tell_damaged(found)


@app.command("show")
@command
def show(options: Options, *, run_id: RunId) -> None:
    """Show everything about a run: state, error, steps, params, and how to resume it.

    With --app it looks whether the workflow as it is now can be resumed.
    What is damaged is named on stderr, the rest is shown, and the exit code is 1.

    Example: spine runs show 6f1c0c2e-5a63-4b0e-9f5e-1f6b8f0c9a51
    """
    with loading.open_runner(options) as runner:
        story = Story.of(runner, run_id)
        with stdout_kept_for_data(only_if=options.app is not None):
            outlook = Outlook.of(story, runner, options)
    resume = resume_command(run_id, options, app=options.app) if outlook.goes_on_at else None
    if options.json:
        render.print_json(run_document(outlook, resume))
    else:
        print_run(outlook)
        if resume is not None:
            out("\n".join(["", *_told(resume, options)]))
        for warning in outlook.warnings:
            say(warning)
        if outlook.refusal is not None:
            out(f"\n{spelling.safe(f'a resume is refused: {outlook.refusal}')}")
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
        before = readable_summary(runner, run_id)
        run = runner.cancel(run_id, reason=reason)
    may_resume = before is not None and run.removed_at is None
    resume = resume_command(run_id, options, app=options.app) if may_resume else None
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


def _how_cancelled(before: RunSummary | None) -> str:
    if before is not None and before.status is RunStatus.CANCELLED:
        return "was cancelled already"
    if before is None or before.lease is None:
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
            _step_reached(run),
            spelling.ago(run.started_at or run.created_at, clock.now()),
            faint(spelling.moment(run.started_at or run.created_at)),
            lasted(run),
        ]
        for run in found
    ]
    render.print_table(columns, rows)


def _step_reached(run: RunSummary) -> str:
    """Name the step that failed, runs or is next; where no checkpoint tells, the first that it may be."""
    if run.status is RunStatus.COMPLETED:
        return ""
    step = run.error_step or run.current_step or ""
    names = run.definition.names
    is_known = run.error_step is not None or step not in names[:-1] or run.definition.leaves_checkpoint(step)
    return step if is_known else f"{step} or later"


def _tell_damaged(found: RunList) -> None:
    """Name the runs that could not be read, and exit as after any error."""
    for run in found.damaged:
        say(f"run {run.run_id!r} of {run.workflow_name} is not listed: {run.error}")
    if found.damaged:
        raise typer.Exit(ExitCode.FAILED)
