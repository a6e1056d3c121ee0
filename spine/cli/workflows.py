"""`spine workflows`: list."""

from spine.cli import loading, output, render
from spine.cli.options import Options, command, new_app
from spine.cli.render import Column, faint
from spine.cli.source import none_in
from spine.errors import InvalidSetting

app = new_app("See which workflows --app leads to.")


@app.command("list")
@command
def list_workflows(options: Options) -> None:
    """List the workflows that --app, SPINE_APP or pyproject.toml lead to.

    Example: spine workflows list --app flights.py
    """
    app_named = loading.app_of(options)
    if app_named is None:
        raise InvalidSetting("no app is named; say where the workflows are with --app FILE_OR_MODULE, or SPINE_APP")
    with output.stdout_kept_for_data(only_if=options.json):
        found = loading.load_app_of(options)
    if not found:
        output.say(none_in(app_named))
    if options.json:
        render.print_json(
            [
                {
                    "name": workflow.name,
                    "steps": [{"name": step.name, "kind": step.kind.name} for step in workflow.steps],
                    "defaults": render.plain(workflow.defaults),
                    "source": workflow.source,
                }
                for workflow in found
            ]
        )
        return
    if not found:
        return
    columns = [Column("WORKFLOW"), Column("STEPS", yields=True), Column("DEFINED IN", yields=True)]
    render.print_table(
        columns, [[workflow.name, ", ".join(workflow.step_names), faint(workflow.source)] for workflow in found]
    )
