"""Exit codes, and the border at which every error becomes one line on stderr."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import typer

from spine.cli.output import STDOUT, say, say_raw
from spine.cli.spelling import hidden
from spine.cli.suggested import completed
from spine.errors import InvalidInput, LeaseLost, NotFound, Refused, RunIsHeld, SpineError, StoreBusy


class ExitCode(IntEnum):
    """What a command's exit code says; shells and cron may rely on it."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    HELD = 75
    INTERRUPTED = 130


_CODES: tuple[tuple[type[SpineError], ExitCode], ...] = (
    (InvalidInput, ExitCode.USAGE),
    (NotFound, ExitCode.NOT_FOUND),
    (Refused, ExitCode.REFUSED),
    (RunIsHeld, ExitCode.HELD),
    (LeaseLost, ExitCode.HELD),
    (StoreBusy, ExitCode.HELD),
)


def code_of_stop(stop: BaseException) -> int:
    """Give the exit code of a drive that a signal, or the step itself, has ended."""
    if isinstance(stop, SystemExit) and isinstance(stop.code, int):
        return stop.code
    return ExitCode.INTERRUPTED


@contextmanager
def reporting(*, debug: bool, database_url: str | None = None, app: str | None = None) -> Iterator[None]:
    """Tell what goes wrong inside and exit with the code that fits."""
    try:
        yield
    except KeyboardInterrupt:
        say("interrupted")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except Exception as error:
        if is_of_typer(error):
            raise
        raise typer.Exit(tell(error, debug=debug, database_url=database_url, app=app)) from None


def tell(error: Exception, *, debug: bool, database_url: str | None = None, app: str | None = None) -> ExitCode:
    """Say what went wrong, on one line, and give the exit code; the traceback only if it was asked for.

    What it tells to type leads to the database and the app that the operator named.
    """
    if debug:
        say_raw(hidden("".join(traceback.format_exception(error))))
    if isinstance(error, OSError) and error.filename == STDOUT:
        was = "".join(f"; it was: {gist}" for gist in getattr(error, "__notes__", ()))
        say(f"the answer could not be written to stdout: {error.strerror}{was}")
        return ExitCode.FAILED
    if not isinstance(error, SpineError):
        hint = "" if debug else " (--debug shows the traceback)"
        say(f"{type(error).__name__}: {error}{hint}")
        return ExitCode.FAILED
    say(completed(str(error), url=database_url, app=app) or type(error).__name__)
    for note in getattr(error, "__notes__", ()):
        say(note.partition("\n")[0])
    return code_of(error)


def code_of(error: SpineError) -> ExitCode:
    """Give the exit code of an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.FAILED)


def is_of_typer(error: Exception) -> bool:
    """Tell whether an exception is how typer exits or reports a wrong command line."""
    return isinstance(error, (typer.Exit, typer.Abort)) or hasattr(error, "format_message")
