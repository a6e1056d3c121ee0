"""`spine recover`."""

from contextlib import closing
from typing import Annotated

import typer

from spine.cli import loading, output, progress, render, spelling
from spine.cli.failures import ExitCode
from spine.cli.options import Options, command
from spine.cli.resume_command import resume_command
from spine.errors import LeaseLost, NotCrashed, RunIsHeld, WorkflowNotFound
from spine.orchestration.recovery import Recovered
from spine.orchestration.runner import WorkflowRunner
from spine.records.run import RunStatus

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
    display = progress.choose_display(verbose=options.verbose)
    with (
        loading.open_runner(options, hooks=(display,)) as runner,
        output.stdout_kept_for_data(only_if=options.json),
        closing(display),
    ):
        runner.register(*workflows)
        recovered = runner.recover(workflow=workflow, limit=limit)
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
        is_lost = isinstance(each.error, WorkflowNotFound)  # the same app would not lead to it next time
        resume = None if is_lost or _is_well(each) else resume_command(each.run_id, options, app=options.app)
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
    return {
        "run_id": each.run_id,
        "workflow_name": each.workflow_name,
        "status": None if each.result is None else each.result.status.value,
        "error": str(each.error) if each.error else each.result.error if each.result else None,
    }
