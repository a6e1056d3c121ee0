"""The log `spine` on stderr: all of it when asked for, else only what no display shows."""

import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from spine.cli.spelling import safe
from spine.records.event import EventKind

_log = logging.getLogger("spine")
_SHOWN_ELSEWHERE = (*(f"{kind.value} " for kind in EventKind), "recovery.passed_over ")


class _SafeFormatter(logging.Formatter):
    """Keeps each line of a record safe for a terminal and free of passwords."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(safe(line) for line in super().format(record).splitlines())

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802
        """Give the time in UTC, as everything else on stderr."""
        return f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%SZ}"


class _Handler(logging.StreamHandler[TextIO]):
    """Writes to what stderr is at the moment, since a live display replaces it for a while."""

    @property
    def stream(self) -> Any:
        return sys.stderr

    @stream.setter
    def stream(self, _stream: Any) -> None:
        pass


def begin(*, verbose: bool) -> None:
    """Attach the log to stderr: everything if verbose, else warnings that are not the run's own events.

    What is below is then not logged at all, for a workflow's file may attach handlers of its own: to hear of all, it
    sets the level too.
    """
    handler = _Handler()
    handler.setFormatter(_SafeFormatter("%(asctime)s %(levelname)s %(message)s"))
    if verbose:
        _log.setLevel(logging.DEBUG)
    else:
        _log.setLevel(logging.WARNING)
        logging.getLogger("alembic").setLevel(logging.WARNING)  # which tells of tables that are made on first use
        logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)  # which tells of Ctrl-C while it closes one
        handler.setLevel(logging.WARNING)
        handler.addFilter(lambda record: not record.getMessage().startswith(_SHOWN_ELSEWHERE))
    _log.handlers = [handler]
