"""`spine recover`."""

from contextlib import closing
from dataclasses import dataclass
from typing import Annotated

import typer

from spine.cli import loading, output, progress, render, spelling
from spine.cli.failures import ExitCode, code_of_stop
from spine.cli.options import Options, command
from spine.cli.resume_command import ResumeCommand, resume_command
from spine.cli.suggested import completed
from spine.errors import (
    InvalidInput,
    LeaseLost,
    NotCrashed,
    NotFound,
    Refused,
    RunIsHeld,
    WorkflowNotFound,
    class_name,
)
from spine.orchestration.listing import LONGEST_LIST
from spine.orchestration.recovery import Recovered
from spine.orchestration.result import WorkflowResult
from spine.orchestration.runner import WorkflowRunner
from spine.records.run import RunStatus, RunSummary


@command
def recover(
    options: Options,
    *,
    workflow: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only runs of this workflow.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=LONGEST_LIST, help="Take at most so many.")] = 1000,
) -> None:
    """Resume every run whose driver died.

    They are resumed one after another; several machines may do it at once.

    Example, in a crontab: */5 * * * * spine recover -q --app flights.py
    """
    with output.stdout_kept_for_data(only_if=options.json):
        workflows = loading.load_app_of(options)
    witness, display = progress.Witness(), progress.choose_display(verbose=options.verbose, quiet=options.quiet)
    with loading.open_runner(options, hooks=(witness, display)) as runner:
        runner.register(*workflows)
        try:
            with output.stdout_kept_for_data(only_if=options.json), closing(display):
                recovered = runner.recover(workflow=workflow, limit=limit)
        except (KeyboardInterrupt, SystemExit) as stop:
            if witness.run_id is None:
                raise
            _tell([_Outcome.of_stopped(runner.get_summary(witness.run_id))], options)
            raise typer.Exit(code_of_stop(stop)) from None
        if workflow and not recovered and workflow not in [each.name for each in workflows]:
            _require_runs_of(workflow, runner)
        if not (recovered or options.json or options.quiet):
            output.say(_nothing_crashed(runner, workflow))
    outcomes = [_Outcome.of(each) for each in recovered]
    _tell(outcomes, options)
    if not all(outcome.is_well for outcome in outcomes):
        raise typer.Exit(ExitCode.FAILED)


def _nothing_crashed(runner: WorkflowRunner, workflow: str | None) -> str:
    """Tell so, and when one whose driver has just died will count as crashed."""
    running = runner.list_runs(status=RunStatus.RUNNING, workflow=workflow, limit=LONGEST_LIST)
    ends = [run.lease.expires_at for run in running if run.lease is not None]
    driven = f"; {len(ends)} driven, the first lease ends at {min(ends):%H:%M:%S} UTC unless renewed" if ends else ""
    return f"no run{f' of {workflow}' if workflow else ''} has crashed{driven}"


def _require_runs_of(workflow: str, runner: WorkflowRunner) -> None:
    """Refuse a name that no run has either: in a crontab nobody would ever notice the slip of a finger."""
    if not runner.list_runs(workflow=workflow, limit=1):
        raise WorkflowNotFound(f"no workflow {workflow!r} is known here, and no run is of it; see: spine runs list")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What became of a crashed run: `status` is None if it did not go on here; `is_well` if nobody has to look."""

    run_id: str
    workflow_name: str
    status: RunStatus | None
    error_step: str | None = None
    error_type: str | None = None
    error: str | None = None
    is_well: bool
    may_resume: bool

    @classmethod
    def of(cls, recovered: Recovered) -> "_Outcome":
        """Judge a run that was recovered, or was not."""
        if recovered.result is not None:
            return cls._ended(recovered.run_id, recovered.workflow_name, recovered.result)
        error = recovered.error
        is_well = isinstance(error, (RunIsHeld, LeaseLost, NotCrashed))  # somebody else has it
        is_refused = isinstance(error, (NotFound, Refused, InvalidInput))  # and would be next time
        return cls(
            run_id=recovered.run_id,
            workflow_name=recovered.workflow_name,
            status=None,
            error_type=class_name(type(error)),
            error=str(error),
            is_well=is_well,
            may_resume=not is_well and not is_refused,
        )

    @classmethod
    def of_stopped(cls, run: RunSummary) -> "_Outcome":
        """Tell of the run that was driven when a signal came; those before it are told on stderr."""
        return cls._ended(run.run_id, run.workflow_name, run)

    @classmethod
    def _ended(cls, run_id: str, workflow_name: str, ended: WorkflowResult | RunSummary) -> "_Outcome":
        is_completed = ended.status is RunStatus.COMPLETED
        return cls(
            run_id=run_id,
            workflow_name=workflow_name,
            status=ended.status,
            error_step=ended.error_step,
            error_type=ended.error_type,
            error=ended.error,
            is_well=is_completed,
            may_resume=not is_completed,
        )

    def line(self, options: Options) -> str:
        """Say it in a line; only where Spine refused, and no step failed, are commands in it Spine's own."""
        if self.status is None:
            error = completed(str(self.error), url=options.database_url, app=options.app)
            how = f"was not recovered: {error}"
        elif self.status is RunStatus.COMPLETED:
            how = "completed"
        else:
            how = spelling.ending(self.status.value, self.error_step, self.error_type, self.error)
        return f"run {self.run_id} of {self.workflow_name} {how}"

    def resume(self, options: Options) -> ResumeCommand | None:
        """Spell the command that resumes it; None where that would be refused, or is not needed."""
        return resume_command(self.run_id, options, app=options.app) if self.may_resume else None


def _tell(outcomes: list[_Outcome], options: Options) -> None:
    """Write what became of the runs to stdout and then, even if that is full, how to resume them to stderr."""
    shown = [spelling.safe(outcome.line(options)) for outcome in outcomes if not (options.quiet and outcome.is_well)]
    try:
        if options.json:
            render.print_json([_document(outcome, options) for outcome in outcomes])
        elif shown:
            output.out("\n".join(shown), gist="; ".join(shown))
    finally:
        for resume in filter(None, (outcome.resume(options) for outcome in outcomes)):
            for told in resume.lines():
                output.say(told)


def _document(outcome: _Outcome, options: Options) -> dict[str, str | None]:
    resume = outcome.resume(options)
    return {
        "run_id": outcome.run_id,
        "workflow_name": outcome.workflow_name,
        "status": None if outcome.status is None else outcome.status.value,
        "error_step": outcome.error_step,
        "error_type": outcome.error_type,
        "error": outcome.error,
        "resume_command": resume.line if resume else None,
    }
