"""`Recovered`: what became of a crashed run that `recover` took up."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from spine.errors import SpineError
from spine.orchestration.result import WorkflowResult
from spine.records.run import DamagedRun, RunSummary

_log = logging.getLogger("spine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """A crashed run and how it went on: `result`, or the `error` that kept it from going on here."""

    run_id: str
    workflow_name: str
    result: WorkflowResult | None = None
    error: Exception | None = None


def recover_run(run: RunSummary, resume: Callable[[], WorkflowResult]) -> Recovered:
    """Resume one crashed run; what concerns this run alone does not keep the next one waiting."""
    try:
        return Recovered(run_id=run.run_id, workflow_name=run.workflow_name, result=resume())
    except (SpineError, MemoryError) as error:
        return not_recovered(run, error)


def not_recovered(run: RunSummary | DamagedRun, error: Exception) -> Recovered:
    """Tell of a run that could not go on here."""
    _log.warning("recovery.passed_over run_id=%s error=%r", run.run_id, str(error))
    return Recovered(run_id=run.run_id, workflow_name=run.workflow_name, error=error)
