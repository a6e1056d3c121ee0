"""`spine resume`."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from spine.cli import loading, output
from spine.cli import params as given_params
from spine.cli.drive import Drive, ParamOption, ParamsFileOption, SecretOption, StartFromOption
from spine.cli.dry_run import tell_nothing_to_resume, tell_preview
from spine.cli.options import Options, ReasonOption, command
from spine.cli.outlook import again, surprises, told_cancelled
from spine.errors import NotResumable, RunAlreadyCompleted, SpineError
from spine.orchestration.preview import ResumePreview
from spine.orchestration.result import WorkflowResult
from spine.orchestration.runner import WorkflowRunner
from spine.orchestration.workflow import Workflow
from spine.records.names import check_reason


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
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell where it would go on and with what, and do nothing.")
    ] = False,
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
    request = _Request(options, run_id, values, start_from, names, reason, workflows)
    if not dry_run:
        Drive(options=options, app=options.app).perform(request.resume, run_id)
        return
    check_reason(reason)
    with loading.open_runner(options) as runner:
        try:
            tell_preview(request.preview(runner), options)
        except RunAlreadyCompleted as error:
            if values:
                raise _nothing_done(error) from None
            tell_nothing_to_resume(runner, run_id, options)


@dataclass(frozen=True, slots=True)
class _Request:
    """What an operator asked of a run."""

    options: Options
    run_id: str
    values: Mapping[str, Any]
    start_from: str | None
    renamed: Mapping[str, str]
    reason: str | None
    workflows: Sequence[Workflow]

    def resume(self, runner: WorkflowRunner) -> WorkflowResult:
        """Resume the run, and tell before it what may surprise."""
        with suppress(SpineError):  # which the resume tells, or does not mind
            self.preview(runner)
        try:
            return runner.resume(
                self.run_id, self.values, start_from=self.start_from, renamed=self.renamed, reason=self.reason
            )
        except RunAlreadyCompleted as error:
            if not self.values:
                raise
            raise _nothing_done(error) from None

    def preview(self, runner: WorkflowRunner) -> ResumePreview:
        """Look at what a resume would do, and tell what of it may surprise."""
        runner.register(*self.workflows)
        for told in told_cancelled(runner, self.run_id):
            output.say(told)
        seen = runner.preview_resume(self.run_id, self.values, start_from=self.start_from, renamed=self.renamed)
        for told in (*surprises(seen), *(() if self.options.quiet else again(seen))):
            output.say(told)
        if self.values:
            self._tell_new_params(runner)
        return seen

    def _tell_new_params(self, runner: WorkflowRunner) -> None:
        """Tell of params that the run did not have, which may be slips; where there is a model, that judges them."""
        context = runner.get_run(self.run_id).context
        if context.workflow_name in {each.name for each in self.workflows if each.params_model}:
            return
        has = f"which has: {', '.join(sorted(context.params))}" if context.params else "which has none"
        for name in sorted(self.values.keys() - context.params.keys()):
            output.say(f"param {name!r} is new to this run, {has}")


def _nothing_done(error: RunAlreadyCompleted) -> NotResumable:
    return NotResumable(f"{error}; nothing was done with the params")
