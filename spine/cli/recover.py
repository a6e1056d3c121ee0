"""`spine recover`."""

from contextlib import closing
from typing import Annotated

import typer

from spine.cli import loading, output, progress, render, spelling
from spine.cli.failures import ExitCode
from spine.cli.options import Options, command
from spine.cli.resume_command import resume_command
from spine.cli.run import code_of_stop
from spine.errors import InvalidInput, LeaseLost, NotCrashed, NotFound, Refused, RunIsHeld, WorkflowNotFound
from spine.orchestration.recovery import Recovered
from spine.orchestration.runner import WorkflowRunner
from spine.records.run import RunStatus, RunSummary

MOST = 100_000


@command
def recover(
    options: Options,
    *,
    workflow: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only runs of this workflow.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="At most so many.")] = 1000,
) -> None:
    """Resume every run whose driver died.

    They are resumed one after another; several machines may do it at once.

    Example, in a crontab: */5 * * * * spine recover --app flights.py
    """
    with output.stdout_kept_for_data(only_if=options.json):
        workflows = loading.load_app_of(options)
    witness, display = progress.Witness(), progress.choose_display(verbose=options.verbose)
    with loading.open_runner(options, hooks=(witness, display)) as runner:
        runner.register(*workflows)
        try:
            with output.stdout_kept_for_data(only_if=options.json), closing(display):
                recovered = runner.recover(workflow=workflow, limit=limit)
        except (KeyboardInterrupt, SystemExit) as stop:
            if witness.run_id is None:
                raise
            _tell_stopped(runner.get_summary(witness.run_id), options)
            raise typer.Exit(code_of_stop(stop)) from None
        if workflow and not recovered and workflow not in [each.name for each in workflows]:
            _require_runs_of(workflow, runner)
    if options.json:
        render.print_json([_document(each) for each in recovered])
    else:
        _tell(recovered, options)
    if not all(_is_well(each) for each in recovered):
        raise typer.Exit(ExitCode.FAILED)


def _require_runs_of(workflow: str, runner: WorkflowRunner) -> None:
    """Refuse a name that no run has either: in a crontab nobody would ever notice the slip of a finger."""
    if not runner.list_runs(workflow=workflow, limit=1):
        raise WorkflowNotFound(f"no workflow {workflow!r} is known here, and no run is of it; see: spine runs list")


def _is_well(each: Recovered) -> bool:
    """Whether nobody has to look: the run completed, or somebody else has it."""
    if each.result is None:
        return isinstance(each.error, (RunIsHeld, LeaseLost, NotCrashed))
    return each.result.status is RunStatus.COMPLETED


def _tell(recovered: list[Recovered], options: Options) -> None:
    if not recovered:
        output.say("no run has crashed")
    for each in recovered:
        output.out(spelling.safe(f"run {each.run_id} of {each.workflow_name} {_how(each)}"))
        is_refused = isinstance(each.error, (NotFound, Refused, InvalidInput))  # and would be next time
        if not is_refused and not _is_well(each):
            _say_resume(each.run_id, options)


def _tell_stopped(run: RunSummary, options: Options) -> None:
    """Tell of the run that was driven when a signal came; those before it are told on stderr."""
    if options.json:
        render.print_json([_spelled(run.run_id, run.workflow_name, run.status.value, run.error)])
    else:
        how = spelling.ending(run.status.value, run.error_step, run.error_type, run.error)
        output.out(spelling.safe(f"run {run.run_id} of {run.workflow_name} {how}"))
    if run.status is not RunStatus.COMPLETED:
        _say_resume(run.run_id, options)


def _say_resume(run_id: str, options: Options) -> None:
    resume = resume_command(run_id, options, app=options.app)
    for told in resume.lines() if resume else ():
        output.say(told)


def _how(each: Recovered) -> str:
    if each.result is None:
        return f"was not recovered: {each.error}"
    result = each.result
    if result.status is RunStatus.COMPLETED:
        return "completed"
    return spelling.ending(result.status.value, result.error_step, result.error_type, result.error)


def _document(each: Recovered) -> dict[str, str | None]:
    status = None if each.result is None else each.result.status.value
    error = str(each.error) if each.error else each.result.error if each.result else None
    return _spelled(each.run_id, each.workflow_name, status, error)


def _spelled(run_id: str, workflow_name: str, status: str | None, error: str | None) -> dict[str, str | None]:
    return {"run_id": run_id, "workflow_name": workflow_name, "status": status, "error": error}
