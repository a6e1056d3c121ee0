"""`Options`: what every command takes, before or after its name."""

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Concatenate, Literal, ParamSpec

import typer

from spine import __version__
from spine.cli import failures, logs
from spine.cli.commands import Command, Commands
from spine.cli.output import out, say
from spine.config.settings import slips

P = ParamSpec("P")
ReasonOption = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="Why, for the history of the run.", show_default=False)
]
_PANEL = "Common options, before or after the command"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the operator said besides the command itself."""

    app: str | None = None
    database_url: str | None = None
    json: bool = False
    verbose: bool = False
    quiet: bool = False
    debug: bool = False

    def confirm(self, text: str) -> None:
        """Tell on stdout that all went well, which nobody wants to hear who said `--quiet`."""
        if not self.quiet:
            out(text)


def markup() -> Literal["rich"] | None:
    """Tell typer how to show help: rich is imported for a terminal only."""
    return "rich" if sys.stdout is not None and sys.stdout.isatty() else None


class App(typer.Typer):
    """A group whose commands are of Spine's own class."""

    def command(self, name: str | None = None, **told: Any) -> Callable[[Any], Any]:
        """Add a command as typer does."""
        return super().command(name, cls=Command, **told)


def new_app(help_text: str, **told: Any) -> App:
    """Make a group of commands that takes the common options itself."""
    app = App(
        cls=Commands, help=help_text, no_args_is_help=True, add_completion=False, rich_markup_mode=markup(), **told
    )
    app.callback()(_group)
    return app


def command(function: Callable[Concatenate[Options, P], None]) -> Callable[..., None]:
    """Give a command the common options, as its first argument, and the border at which its errors are told."""

    def called(context: typer.Context, **given: Any) -> None:
        options = _remember(context, given)
        with failures.reporting(debug=options.debug, database_url=options.database_url, app=options.app):
            logs.begin(verbose=options.verbose)
            for name, meant in slips():
                say(f"{name} is not a setting; did you mean {meant}?")
            function(options, **given)  # type: ignore[call-arg]

    own = list(inspect.signature(function).parameters.values())[1:]
    return _shaped(called, own, function.__doc__)


def _group_body(context: typer.Context, **given: Any) -> None:
    _remember(context, given)


def _shaped(called: Callable[..., None], own: list[inspect.Parameter], doc: str | None) -> Callable[..., None]:
    """Give a function the parameters that typer is to see."""
    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    parameters = [context, *own, *inspect.signature(_common).parameters.values()]
    shaped: Any = called
    shaped.__signature__ = inspect.Signature(parameters)
    shaped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    shaped.__doc__ = doc
    return called


def _remember(context: typer.Context, given: dict[str, Any]) -> Options:
    """Take the common options out of what was given here, over those given before."""
    del given["version"]
    said = {name: value for name in Options.__slots__ if (value := given.pop(name)) not in (None, False)}
    options = replace(context.obj or Options(), **said)
    context.obj = options
    return options


def _show_version(value: bool) -> None:  # noqa: FBT001  # typer's shape of a callback
    if value:
        print(f"spine {__version__}")
        raise typer.Exit


def _common(
    *,
    app: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE_OR_FILE[:ATTR]",
            help="Where the workflows are; several with commas. Else SPINE_APP, else pyproject.toml.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where the runs are kept. Else SPINE_DATABASE_URL, else pyproject.toml, else sqlite:///spine.db. "
            "A URL with a password belongs in the variable: others can see a command.",
            rich_help_panel=_PANEL,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.", rich_help_panel=_PANEL)] = False,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="Show the log on stderr, in full.", rich_help_panel=_PANEL),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Say nothing while all goes well: for cron.", rich_help_panel=_PANEL),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error.", rich_help_panel=_PANEL)
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version and stop.",
            callback=_show_version,
            is_eager=True,
            rich_help_panel=_PANEL,
        ),
    ] = False,
) -> None:
    """Carry the parameters that `_shaped` adds to every command."""


_group = _shaped(_group_body, [], None)
