"""Trying again on a new connection, when one was lost or the database could not write for now."""

import logging
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Engine

from spine import clock, log
from spine.errors import StoreBusy, StoreError, StoreFull
from spine.stores.sql.blockers import naming_blockers
from spine.stores.sql.driver_errors import is_passing

T = TypeVar("T")
SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
_STILL_THERE: dict[type[StoreError], str] = {StoreFull: "store.full", StoreBusy: "store.busy"}


def try_again(engine: Engine, first: StoreError, act: Callable[[], T | None], *, seconds: float) -> T:
    """Act until it gives something; raise what it raised last, from the `first` error, when the time is over."""
    event = _STILL_THERE.get(type(first), "store.lost")
    log.tell(logging.WARNING, "%s error=%r retrying_for=%gs", event, str(first), seconds)
    latest = first
    deadline = clock.stopwatch() + seconds
    pause = SHORTEST_PAUSE
    while clock.stopwatch() + pause < deadline:
        clock.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
        try:
            with naming_blockers(engine):
                done = act()
        except StoreError as error:
            if not is_passing(error):
                raise
            latest = error
        else:
            if done is not None:
                return done
    tried = "trying again" if type(latest) in _STILL_THERE else "reconnecting"
    raise type(latest)(f"{latest}; gave up {tried} after {seconds:g} s") from first
