"""The two streams: data to stdout, talk to stderr; a reader who left disturbs nobody."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TextIO

from spine.cli.spelling import hidden, safe

STDOUT = "<stdout>"  # the file of an error that says that nothing can be written there


def out(text: str, *, gist: str | None = None) -> None:
    """Write data, which may be several lines, to stdout; its gist is told on stderr where that is not possible.

    A text of one line is its own gist. Raise an `OSError` of the file `STDOUT`.
    """
    try:
        _write(sys.stdout, f"{text}\n")
    except OSError as error:
        gist = text if gist is None and "\n" not in text else gist
        if gist:
            error.add_note(gist)
        raise


def not_written(error: OSError) -> OSError:
    """Give an error that says of stdout what this one says, and drop what still waits to be written there."""
    _send_to_nowhere(sys.stdout)
    return OSError(error.errno, error.strerror or str(error), STDOUT)


def say(text: str) -> None:
    """Tell people something on stderr, on one line."""
    _write(sys.stderr, f"spine: {safe(text)}\n")


def say_raw(text: str) -> None:
    """Write several lines to stderr, each made safe."""
    _write(sys.stderr, "".join(f"{safe(line)}\n" for line in hidden(text).splitlines()))


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether people watch this stream on a terminal that can move its cursor."""
    try:
        return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
    except ValueError:  # somebody closed it
        return False


def make_lenient() -> None:
    """Let a stream that cannot say a character escape it rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def flush() -> None:
    """Write out what user code printed."""
    for stream in (sys.stdout, sys.stderr):
        _write(stream, "")


@contextmanager
def stdout_kept_for_data(*, only_if: bool) -> Iterator[None]:
    """Send to stderr what user code and its child processes print, so that stdout holds the JSON alone."""
    if not only_if:
        yield
        return
    flush()
    try:
        kept = os.dup(1)
        os.dup2(2, 1)
    except OSError:  # one of them is closed
        with redirect_stdout(sys.stderr):
            yield
        return
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        flush()
        os.dup2(kept, 1)
        os.close(kept)


def _write(stream: TextIO | None, text: str) -> None:
    """Write and flush; when the reader of a pipe has left, everything else goes to nowhere."""
    if stream is None or stream.closed:
        return
    try:
        if text:  # even nothing cannot be written to a full device
            stream.write(text)
        stream.flush()
    except OSError as error:
        _send_to_nowhere(stream)  # what is still in the buffer would fail again at the exit
        if stream is sys.stdout and not isinstance(error, BrokenPipeError):
            raise not_written(error) from error  # data that is lost must not look delivered


def _send_to_nowhere(stream: TextIO) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
