"""Takes up crashed runs, one after another; `Recovered` says what became of each."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from spine import log
from spine.errors import (
    InvalidInput,
    NotFound,
    Refused,
    RunIsHeld,
    SnapshotCorrupt,
    SnapshotTooNew,
    SpineError,
    StoreError,
    StoreUnavailable,
)
from spine.orchestration.result import WorkflowResult
from spine.records.run import DamagedRun, RunSummary
from spine.stores.protocol import RunFilter, Runs

_PAGE = 1000
_NOT_TAKEN = (
    Refused,
    NotFound,
    InvalidInput,
    RunIsHeld,
    SnapshotCorrupt,
    SnapshotTooNew,
    StoreUnavailable,  # of a database that answers again: it may be a damaged page of this run's
    MemoryError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """A crashed run and how it went on: `result`, or the `error` that kept it from going on here."""

    run_id: str
    workflow_name: str
    result: WorkflowResult | None = None
    error: Exception | None = None


def recover_crashed(store: Runs, wanted: RunFilter, resume: Callable[[str], WorkflowResult]) -> list[Recovered]:
    """Resume runs until `limit` were taken; those that cannot be do not count, and keep no other waiting."""
    recovered: list[Recovered] = []
    left = wanted.limit
    for run in _each(store, wanted):
        each = _passed_over(run, run.error) if isinstance(run, DamagedRun) else _recover(run, resume)
        recovered.append(each)
        if isinstance(each.error, StoreUnavailable) and not _answers(store, wanted):
            break
        left -= not isinstance(each.error, _NOT_TAKEN)
        if left == 0:
            break
    return recovered


def _answers(store: Runs, wanted: RunFilter) -> bool:
    """Tell whether the database is there for the next run: it may be one damaged page that kept a run from it."""
    try:
        store.list_runs(wanted._replace(limit=1))
    except StoreError:
        return False
    return True


def _each(store: Runs, wanted: RunFilter) -> Iterator[RunSummary | DamagedRun]:
    """Give each run that fits once, page by page; in each page the damaged ones come first."""
    seen: set[str] = set()
    while True:
        most = len(seen) + _PAGE
        try:
            found = store.list_runs(wanted._replace(limit=most))
        except StoreError as error:
            if not seen:
                raise
            log.tell(logging.WARNING, "recovery.ended_early error=%r", str(error))  # what was recovered is still told
            return
        new = [run for run in (*found.damaged, *found) if run.run_id not in seen]
        seen.update(run.run_id for run in new)
        yield from new
        if len(found) + len(found.damaged) < most:
            return


def _recover(run: RunSummary, resume: Callable[[str], WorkflowResult]) -> Recovered:
    """Resume one crashed run; what concerns this run alone does not keep the next one waiting."""
    try:
        return Recovered(run_id=run.run_id, workflow_name=run.workflow_name, result=resume(run.run_id))
    except (SpineError, MemoryError) as error:
        return _passed_over(run, error)


def _passed_over(run: RunSummary | DamagedRun, error: Exception) -> Recovered:
    """Tell of a run that could not go on here."""
    log.tell(logging.WARNING, "recovery.passed_over run_id=%s error=%r", run.run_id, str(error))
    return Recovered(run_id=run.run_id, workflow_name=run.workflow_name, error=error)
