"""The log `spine`: what is told there is not allowed to stop what is done."""

import logging
from contextlib import suppress

_log = logging.getLogger("spine")


def tell(level: int, message: str, *arguments: object, exc_info: bool = False) -> None:
    """Log a message; a handler of the program may raise, and that is no failure of what is told of."""
    with suppress(Exception, SystemExit):
        _log.log(level, message, *arguments, exc_info=exc_info, stacklevel=2)
