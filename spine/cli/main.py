"""The command `spine`: its commands, and what happens to a command line that is wrong."""

import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

import typer

from spine.cli import checkpoints, db, doctor, failures, output, recover, resume, retention, run, runs, workflows
from spine.cli.failures import ExitCode
from spine.cli.options import new_app

app = new_app(
    "Run workflows with a checkpoint after every step, and resume them from the step they died at.",
    epilog="Exit codes: 0 completed, 1 the run failed, 2 used wrongly, 3 not found, 4 refused, "
    "75 held by another process (try again later), 130 or 143 interrupted.",
)
app.command("run")(run.run)
app.command("resume")(resume.resume)
app.command("recover")(recover.recover)
app.add_typer(runs.app, name="runs")
app.add_typer(checkpoints.app, name="checkpoints")
app.add_typer(retention.app, name="retention")
app.add_typer(workflows.app, name="workflows")
app.add_typer(db.app, name="db")
app.command("doctor")(doctor.doctor)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what a command line says and give the exit code."""
    output.make_lenient()
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with failures.reporting(debug="--debug" in given):
            code = _perform(given)
            output.flush()
            return code
    except typer.Exit as exit_:
        return exit_.exit_code


@cache
def root_command() -> Any:
    """Make of `app` what click performs; typer takes 10 ms to."""
    return typer.main.get_command(app)


def _perform(given: list[str]) -> int:
    for argument in given:
        if not argument.isprintable() and any("\ud800" <= char <= "\udfff" for char in argument):
            output.say(f"an argument is not text in this terminal's encoding: {argument[:100]}")
            return ExitCode.USAGE
    try:
        code = root_command().main(args=given, prog_name="spine", standalone_mode=False)
    except typer.Abort:  # as which typer hands on Ctrl-C
        raise KeyboardInterrupt from None
    except SystemExit as stop:
        if not isinstance(stop.__context__, BrokenPipeError):
            raise
        return ExitCode.DONE  # whoever read the help has seen enough
    except OSError as error:  # of the help: what a command does is told by the command
        raise output.not_written(error) from error
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        return _tell_usage(error)
    return code if isinstance(code, int) else ExitCode.DONE


def _tell_usage(error: Any) -> int:
    """Tell what is wrong with a command line; one that asks for nothing gets the help."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        output.say_raw(error.format_message())
    else:
        hint = f" (see: {context.command_path} --help)" if context is not None else ""
        output.say(f"{error.format_message().rstrip('.')}{hint}")
    return int(error.exit_code)
