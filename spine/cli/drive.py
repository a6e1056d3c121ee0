"""`Drive`: one drive of a run before an operator's eyes, for `spine run` and `spine resume`."""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from spine.cli import loading, output, progress, render, spelling
from spine.cli.failures import ExitCode, code_of_stop, tell
from spine.cli.options import Options
from spine.cli.resume_command import ResumeCommand, resume_command
from spine.cli.story import AGAIN, DONE, SKIPPED, Story
from spine.config.settings import load_settings
from spine.errors import LeaseLost, RunAlreadyCompleted, RunExists, RunNotFound, StoreError, StoreWentBack
from spine.orchestration.result import WorkflowResult
from spine.orchestration.runner import WorkflowRunner
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
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
        code = tell(error, debug=self.options.debug, database_url=self.options.database_url, app=self.app)
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
