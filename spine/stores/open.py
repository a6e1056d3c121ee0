"""From a URL to a store: the one place that knows which stores there are."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from spine.codec.limits import DEFAULT_LIMITS, Limits
from spine.errors import InvalidSetting, type_of
from spine.stores.protocol import RECONNECT_SECONDS, Store

_MORE_THAN_IMPORTS_MAKE = 1_000_000  # objects
_FROZEN_BY_PYTHON = 1000  # at most: 3.12 starts with a few hundred


def open_store(
    url: str,
    *,
    limits: Limits = DEFAULT_LIMITS,
    reconnect_seconds: float = RECONNECT_SECONDS,
    make_tables: bool = True,
) -> Store:
    """Open the store of this URL (sqlite, postgresql or memory); raise `InvalidSetting` for any other.

    Nothing is connected before the store is asked for something. Then SQLite makes the tables that are not there;
    with `make_tables=False` it raises `SchemaMissing` instead, as PostgreSQL always does.
    """
    if type(url) is not str:
        raise InvalidSetting(f"the database URL must be text, not {type_of(url)}; for a file: sqlite:///path/spine.db")
    if not url.strip():
        raise InvalidSetting("the database URL is empty; leave it out for sqlite:///spine.db")
    if url.startswith("memory:"):
        from spine.stores.memory.store import MemoryStore  # noqa: PLC0415  # a store is imported when it is chosen

        return MemoryStore(limits=limits)
    with _without_collector():
        from spine.stores.sql.store import SqlStore  # noqa: PLC0415  # SQLAlchemy costs most of the start-up time

        return SqlStore(url, limits=limits, reconnect_seconds=reconnect_seconds, make_tables=make_tables)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Import without the garbage collector, which finds nothing and takes a twentieth of a process's start.

    What is there afterwards counts as looked through, as it would by then; what somebody has frozen stays so. It is put
    off rather than turned off: other threads may turn it off meanwhile, or fork.
    """
    if "spine.stores.sql.store" in sys.modules or not gc.isenabled() or _has_anybody_frozen():
        yield
        return
    thresholds = gc.get_threshold()
    gc.set_threshold(_MORE_THAN_IMPORTS_MAKE, *thresholds[1:])
    try:
        yield
    finally:
        if not _has_anybody_frozen():
            gc.freeze()
            gc.unfreeze()  # both together make all of it old
        if gc.get_threshold()[0] == _MORE_THAN_IMPORTS_MAKE:  # else somebody has set another meanwhile
            gc.set_threshold(*thresholds)


def _has_anybody_frozen() -> bool:
    return gc.get_freeze_count() > _FROZEN_BY_PYTHON
