"""`spine run`."""

from typing import Annotated

import typer

from spine.cli import loading, output
from spine.cli import params as given_params
from spine.cli.drive import Drive, ParamOption, ParamsFileOption, SecretOption, StartFromOption
from spine.cli.options import Options, ReasonOption, command
from spine.errors import RunNotFound
from spine.orchestration.params import dropped
from spine.orchestration.result import WorkflowResult
from spine.orchestration.runner import WorkflowRunner
from spine.orchestration.workflow import Workflow


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
    drive = Drive(options=options, app=options.app if joined == app else joined, make_tables=True)
    for name in dropped(workflow.name, workflow.params_model, values):
        output.say(f"param {name!r} is left out: the params_model of workflow {workflow.name!r} does not know it")

    def act(runner: WorkflowRunner) -> WorkflowResult:
        runner.register(*workflows)
        if run_id and start_from:
            _tell_beginning(runner, run_id, workflow, start_from)
        return runner.execute(
            workflow, values, run_id=run_id, partition=key or None, start_from=start_from, reason=reason
        )

    drive.perform(act, run_id)


def _tell_beginning(runner: WorkflowRunner, run_id: str, workflow: Workflow, start_from: str) -> None:
    """Tell of a run that is not there, for its id may be a slip: a new one begins without the steps before."""
    index = workflow.index_of(start_from)
    try:
        runner.get_summary(run_id)
    except RunNotFound:
        output.say(f"run {run_id!r} is new: it begins at {start_from}, step {index + 1} of {len(workflow.steps)}")
