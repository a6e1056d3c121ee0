"""The log `spine`: what is told there is not allowed to stop what is done."""

import logging
from contextlib import suppress

_log = logging.getLogger("spine")


def tell(level: int, message: str, *arguments: object) -> None:
    """Log a message; a handler of the program may raise, and that is no failure of what is told of."""
    with suppress(Exception, SystemExit):
        _log.log(level, message, *arguments, stacklevel=2)
