"""`spine run` and `spine resume`."""

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from spine.cli import loading, output, progress, render, spelling
from spine.cli import params as given_params
from spine.cli.failures import ExitCode, code_of_stop, tell
from spine.cli.options import Options, ReasonOption, command
from spine.cli.outlook import before_resume
from spine.cli.resume_command import ResumeCommand, resume_command
from spine.cli.story import AGAIN, DONE, SKIPPED, Story
from spine.config.settings import load_settings
from spine.errors import (
    LeaseLost,
    NotResumable,
    RunAlreadyCompleted,
    RunExists,
    RunNotFound,
    SpineError,
    StoreError,
    StoreWentBack,
)
from spine.orchestration.params import dropped
from spine.orchestration.result import WorkflowResult
from spine.orchestration.runner import WorkflowRunner
from spine.orchestration.workflow import Workflow
from spine.records.run import RunStatus, standing

ParamOption = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="NAME=VALUE", help="A param; the value is JSON, or else text. May be given again."),
]
ParamsFileOption = Annotated[
    str | None,
    typer.Option("--params-file", metavar="FILE", help="A file with a JSON object of params; - for stdin."),
]

SecretOption = Annotated[
    list[str] | None,
    typer.Option(
        "--secret", metavar="NAME=VARIABLE", help="A param whose value is read from this variable and never stored."
    ),
]

StartFromOption = Annotated[
    str | None,
    typer.Option(
        "--start-from",
        metavar="STEP",
        help="Start here: steps before it that are not done are passed over, those from it on run again.",
    ),
]


@command
def run(
    options: Options,
    *,
    target: Annotated[
        str,
        typer.Argument(
            metavar="WORKFLOW|FILE_OR_MODULE[:WORKFLOW]",
            help="A workflow of the app by its name; or where it is, and its name or attribute if there are several.",
            show_default=False,
        ),
    ],
    param: ParamOption = None,
    params_file: ParamsFileOption = None,
    partition: Annotated[
        list[str] | None,
        typer.Option("--partition", metavar="NAME=VALUE", help="A part of the business key that the run is for."),
    ] = None,
    run_id: Annotated[
        str | None,
        typer.Option(
            "--run-id", metavar="ID", help="The id of the run, of at most 36 characters; else a new one is made."
        ),
    ] = None,
    start_from: StartFromOption = None,
    secret: SecretOption = None,
    reason: ReasonOption = None,
) -> None:
    """Run a workflow from a file, a module or the app.

    Example: spine run flights.py --param limit=0.1 --partition date=2013-01-17
    """
    values = given_params.read_params(param, params_file, secret)
    key = given_params.read_pairs(partition, "--partition")
    with output.stdout_kept_for_data(only_if=options.json):
        app = loading.app_of(options)
        workflow, joined = loading.choose(target, app, loading.load_app_of(options))
        workflows = loading.load_app(joined)
    drive = _Drive(options=options, app=options.app if joined == app else joined, make_tables=True)
    for name in dropped(workflow.name, workflow.params_model, values):
        output.say(f"param {name!r} is left out: the params_model of workflow {workflow.name!r} does not know it")

    def act(runner: WorkflowRunner) -> WorkflowResult:
        runner.register(*workflows)
        if run_id and start_from and not options.quiet:
            _tell_beginning(runner, run_id, workflow, start_from)
        return runner.execute(
            workflow, values, run_id=run_id, partition=key or None, start_from=start_from, reason=reason
        )

    drive.perform(act, run_id)


@command
def resume(
    options: Options,
    *,
    run_id: Annotated[str, typer.Argument(metavar="RUN_ID", help="The id of the run, as printed.", show_default=False)],
    param: ParamOption = None,
    params_file: ParamsFileOption = None,
    secret: SecretOption = None,
    start_from: StartFromOption = None,
    renamed: Annotated[
        list[str] | None,
        typer.Option(
            "--renamed", metavar="OLD=NEW", help="A step that the workflow calls by a new name. May be given again."
        ),
    ] = None,
    reason: ReasonOption = None,
) -> None:
    """Go on with a run after its last finished step.

    It is one that has failed, crashed, was cancelled, or waits. Params given here are merged over those of the
    run. A run that has completed is left alone, and that is no error, unless --start-from names a step to run again.

    Example: spine resume 6f1c0c2e-5a63-4b0e-9f5e-1f6b8f0c9a51 --app flights.py --param limit=0.2
    """
    values = given_params.read_params(param, params_file, secret)
    names = given_params.read_renamed(renamed)
    with output.stdout_kept_for_data(only_if=options.json):
        workflows = loading.load_app_of(options)

    def act(runner: WorkflowRunner) -> WorkflowResult:
        runner.register(*workflows)
        for told in before_resume(runner, run_id, renamed=names):
            output.say(told)
        if values and not options.quiet:
            _tell_new_params(runner, run_id, values, judged=[each.name for each in workflows if each.params_model])
        try:
            return runner.resume(run_id, values or None, start_from=start_from, renamed=names or None, reason=reason)
        except RunAlreadyCompleted as error:
            if not values:
                raise
            raise NotResumable(f"{error}; nothing was done with the params") from None

    _Drive(options=options, app=options.app).perform(act, run_id)


def _tell_beginning(runner: WorkflowRunner, run_id: str, workflow: Workflow, start_from: str) -> None:
    """Tell of a run that is not there, for its id may be a slip: a new one begins without the steps before."""
    index = workflow.index_of(start_from)
    try:
        runner.get_summary(run_id)
    except RunNotFound:
        output.say(f"run {run_id!r} is new: it begins at {start_from}, step {index + 1} of {len(workflow.steps)}")


def _tell_new_params(runner: WorkflowRunner, run_id: str, given: Iterable[str], *, judged: Collection[str]) -> None:
    """Tell of params that the run did not have, which may be slips; those of `judged` workflows their models judge."""
    try:
        context = runner.get_run(run_id).context
    except SpineError:  # which the resume tells, or does not mind
        return
    known = context.params
    for name in sorted(set(given) - known.keys()) if context.workflow_name not in judged else ():
        has = f"which has: {', '.join(sorted(known))}" if known else "which has none"
        output.say(f"param {name!r} is new to this run, {has}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drive:
    """One drive of a run before an operator's eyes; `app` is what `--app` must say to resume it.

    A new run may `make_tables` in a SQLite file that has none.
    """

    options: Options
    app: str | None
    make_tables: bool = False

    def perform(self, act: Callable[[WorkflowRunner], WorkflowResult], run_id: str | None) -> None:
        """Drive, tell how it ended, and exit with the code that says so."""
        witness = progress.Witness()
        display = progress.choose_display(verbose=self.options.verbose, quiet=self.options.quiet)
        with loading.open_runner(self.options, (witness, display), make_tables=self.make_tables) as runner:
            try:
                with output.stdout_kept_for_data(only_if=self.options.json), closing(display):
                    result = act(runner)
            except RunAlreadyCompleted as error:
                self._tell_completed(runner, str(run_id), error)
            except RunExists:
                raise typer.Exit(self._tell_exists(runner, str(run_id))) from None
            except Exception as error:  # noqa: BLE001  # whatever it was, the run can be resumed
                raise typer.Exit(self._tell_error(error, witness.run_id)) from None
            except (KeyboardInterrupt, SystemExit) as stop:
                if witness.run_id is None:
                    raise
                self._tell_stored(runner, witness)
                raise typer.Exit(code_of_stop(stop)) from None
            else:
                self._tell_result(runner, result, witness.seconds)

    def _tell_result(self, runner: WorkflowRunner, result: WorkflowResult, seconds: float) -> None:
        if self.options.debug and result.error is not None:
            output.say_raw(runner.list_events(result.run_id)[-1].traceback or "no traceback: the step raised nothing")
        is_gone = result.status is RunStatus.CANCELLED and runner.get_summary(result.run_id).removed_at is not None
        self._tell(_result_document(result), _happy(result, seconds), may_resume=not is_gone)
        if result.status is not RunStatus.COMPLETED:
            raise typer.Exit(ExitCode.FAILED)

    def _tell_stored(self, runner: WorkflowRunner, witness: progress.Witness) -> None:
        self._tell(_stored_document(runner, str(witness.run_id), witness), "completed")

    def _tell_completed(self, runner: WorkflowRunner, run_id: str, error: RunAlreadyCompleted) -> None:
        document = _stored_document(runner, run_id, progress.Witness())
        if document["status"] != RunStatus.COMPLETED:
            raise error
        self._tell(document, "has completed already; there was nothing to do")

    def _tell_exists(self, runner: WorkflowRunner, run_id: str) -> ExitCode:
        state = runner.get_summary(run_id).state
        output.say(
            f"run {run_id!r} exists and {standing(state)}; choose another --run-id, "
            "or name the step to go on from with --start-from"
        )
        if state != RunStatus.COMPLETED:
            self._say_resume(self._resume(run_id))
        return ExitCode.REFUSED

    def _tell_error(self, error: Exception, run_id: str | None) -> ExitCode:
        """Tell an error; a run that had started can be resumed, unless it is gone or somebody else drives it now."""
        code = tell(error, debug=self.options.debug, database_url=self.options.database_url)
        if run_id is not None and not isinstance(error, (LeaseLost, RunNotFound)):
            if isinstance(error, StoreError) and not isinstance(error, StoreWentBack):  # nobody wrote its end
                longest = spelling.duration(load_settings().lease_seconds)
                output.say(f"the run is held until its lease runs out, which takes {longest} at most")
            self._say_resume(self._resume(run_id))
        return code

    def _tell(self, document: dict[str, Any], done: str, *, may_resume: bool = True) -> None:
        """Write how the run ended to stdout, and, unless it completed, how to resume it to stderr."""
        is_completed = document["status"] == RunStatus.COMPLETED
        resume = self._resume(document["run_id"]) if may_resume and not is_completed else None
        if self.options.json:
            render.print_json({**document, "resume_command": resume.line if resume else None})
        else:
            how = done if is_completed else _unhappy(document)
            tell_end = self.options.confirm if is_completed else output.out
            tell_end(spelling.safe(f"run {document['run_id']} of {document['workflow_name']} {how}"))
        if may_resume and not is_completed:
            self._say_resume(resume)

    def _resume(self, run_id: str) -> ResumeCommand | None:
        return resume_command(run_id, self.options, app=self.app)

    @staticmethod
    def _say_resume(resume: ResumeCommand | None) -> None:
        if resume is None:
            output.say("memory:// kept the run in this process only; it cannot be resumed")
        else:
            for told in resume.lines():
                output.say(told)


def _happy(result: WorkflowResult, seconds: float) -> str:
    done, now, skipped = len(result.all_completed_steps), len(result.completed_steps), len(result.skipped_steps)
    parts = [f"{spelling.count(done, 'step')} done"]
    if now != done:
        parts.append(f"{now} of them now")
    if skipped:
        parts.append(f"{skipped} skipped")
    return f"completed: {', '.join(parts)}, in {spelling.duration(seconds)}"


def _unhappy(document: dict[str, Any]) -> str:
    return spelling.ending(*(document[name] for name in ("status", "error_step", "error_type", "error")))


def _result_document(result: WorkflowResult) -> dict[str, Any]:
    return {
        "status": result.status.value,
        "run_id": result.run_id,
        "workflow_name": result.workflow_name,
        "completed_steps": list(result.completed_steps),
        "all_completed_steps": list(result.all_completed_steps),
        "skipped_steps": list(result.skipped_steps),
        "error_step": result.error_step,
        "error": result.error,
        "error_type": result.error_type,
        "error_category": result.error_category,
        "durations": _rounded(result.durations),
    }


def _rounded(durations: Mapping[str, float]) -> dict[str, float]:
    return {step: round(seconds, 6) for step, seconds in durations.items()}


def _stored_document(runner: WorkflowRunner, run_id: str, witness: progress.Witness) -> dict[str, Any]:
    """Tell the same of a run whose driving gave no result, from what is stored."""
    story = Story.of(runner, run_id)
    run, steps = story.run, story.standings()
    return {
        "status": run.status.value,
        "run_id": run.run_id,
        "workflow_name": run.workflow_name,
        "completed_steps": witness.completed,
        "all_completed_steps": [step.name for step in steps if step.state in (DONE, AGAIN)],
        "skipped_steps": [step.name for step in steps if step.state == SKIPPED],
        "error_step": run.error_step,
        "error": run.error,
        "error_type": run.error_type,
        "error_category": run.error_category,
        "durations": _rounded(witness.durations),
    }
