"""`Upkeep`: what a runner purges by itself, at the end of a run and not more than hourly."""

import logging
import threading

from spine import clock, log
from spine.errors import StoreError
from spine.orchestration.actor import actor
from spine.orchestration.registry import Registry
from spine.retention import order_for, purge
from spine.stores.protocol import Store

SECONDS_BETWEEN = 3600.0


class Upkeep:
    """Purges one batch of the workflows that this runner knows; a failure is logged and fails no run."""

    def __init__(self, store: Store, registry: Registry, *, days: float | None) -> None:
        self._store = store
        self._registry = registry
        self._days = days
        self._last: float | None = None
        self._lock = threading.Lock()

    def run_if_due(self) -> None:
        """Purge if days were set and an hour has passed since the last time."""
        if self._days is None or not self._is_due():
            return
        known = frozenset(workflow.name for workflow in self._registry.list_workflows())
        try:
            purged = purge(
                self._store,
                order_for(self._days, workflows=known),
                most_batches=1,
                by=actor("upkeep"),
            )
        except StoreError as error:
            log.tell(logging.WARNING, "retention.failed error=%r", str(error))
            return
        if purged.runs:
            log.tell(logging.INFO, "retention.purged runs=%d checkpoints=%d", len(purged.runs), purged.checkpoints)

    def _is_due(self) -> bool:
        with self._lock:
            now = clock.stopwatch()
            if self._last is not None and now - self._last < SECONDS_BETWEEN:
                return False
            self._last = now
            return True
