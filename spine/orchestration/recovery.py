"""`Recovered`: what became of a crashed run that `recover` took up."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from spine.errors import InvalidInput, NotFound, Refused, RunIsHeld, SnapshotCorrupt, SnapshotTooNew, SpineError
from spine.orchestration.result import WorkflowResult
from spine.records.run import DamagedRun, RunSummary
from spine.stores.protocol import RunFilter, Runs

PAGE = 100
_NOT_TAKEN = (Refused, NotFound, InvalidInput, RunIsHeld, SnapshotCorrupt, SnapshotTooNew, MemoryError)
_log = logging.getLogger("spine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """A crashed run and how it went on: `result`, or the `error` that kept it from going on here."""

    run_id: str
    workflow_name: str
    result: WorkflowResult | None = None
    error: Exception | None = None


def recover_crashed(
    store: Runs, workflow: str | None, resume: Callable[[str], WorkflowResult], *, limit: int
) -> list[Recovered]:
    """Resume crashed runs until so many were taken; those that cannot be do not count, and keep no other waiting."""
    recovered: list[Recovered] = []
    left = limit
    for run in _crashed(store, workflow):
        each = _passed_over(run, run.error) if isinstance(run, DamagedRun) else _recover(run, resume)
        recovered.append(each)
        left -= not isinstance(each.error, _NOT_TAKEN)
        if left == 0:
            break
    return recovered


def _crashed(store: Runs, workflow: str | None) -> Iterator[RunSummary | DamagedRun]:
    """Give each once, a page at a time: what is damaged first, then those that were taken least often."""
    seen: set[str] = set()
    while True:
        wanted = RunFilter(crashed=True, workflow=workflow, least_taken=True, limit=len(seen) + PAGE)
        found = store.list_runs(wanted)
        new = [run for run in (*found.damaged, *found) if run.run_id not in seen]
        seen.update(run.run_id for run in new)
        yield from new
        if len(found) + len(found.damaged) < wanted.limit:
            return


def _recover(run: RunSummary, resume: Callable[[str], WorkflowResult]) -> Recovered:
    """Resume one crashed run; what concerns this run alone does not keep the next one waiting."""
    try:
        return Recovered(run_id=run.run_id, workflow_name=run.workflow_name, result=resume(run.run_id))
    except (SpineError, MemoryError) as error:
        return _passed_over(run, error)


def _passed_over(run: RunSummary | DamagedRun, error: Exception) -> Recovered:
    """Tell of a run that could not go on here."""
    _log.warning("recovery.passed_over run_id=%s error=%r", run.run_id, str(error))
    return Recovered(run_id=run.run_id, workflow_name=run.workflow_name, error=error)
