"""`WorkflowResult`: how one drive of a run ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from spine.errors import RunFailed
from spine.records.context import WorkflowContext
from spine.records.names import typed
from spine.records.run import RunStatus, standing
from spine.steps.secrets import MASK


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowResult:
    """How one `execute` or `resume` ended; a failed run is a result, not an exception.

    `completed_steps` are those of this drive, `all_completed_steps` and `skipped_steps` those of the whole run, in
    the workflow's order; `durations` are the seconds each step of this drive took. `location` is the database's URL
    without its password.
    """

    status: RunStatus
    run_id: str
    workflow_name: str
    completed_steps: list[str]
    all_completed_steps: list[str]
    skipped_steps: list[str]
    error_step: str | None = None
    error: str | None = None
    error_type: str | None = None
    error_category: str | None = None
    context: WorkflowContext
    durations: Mapping[str, float] = field(default_factory=dict)
    location: str = ""

    def raise_for_status(self) -> "WorkflowResult":
        """Give back this result if the run completed; else raise `RunFailed`, which carries it."""
        if self.status is RunStatus.COMPLETED:
            return self
        at = f" at step {self.error_step!r}: {self.error_type}: {self.error}" if self.error_step else ""
        onwards = way_on(self.run_id, self.location)
        how = f"{standing(self.status)}{at}"
        raise RunFailed(f"run {self.run_id!r} of workflow {self.workflow_name!r} {how}; {onwards}", result=self)


def way_on(run_id: str, location: str) -> str:
    """Say how to resume a run, wherever it is kept; a secret of the URL is not known here."""
    if location.startswith("memory:"):
        return "it is kept in memory alone, and only its own runner can resume it"
    is_secret = MASK in location
    where = ("--database-url", location) if location and not is_secret else ()
    return (
        f"resume it with runner.resume({run_id!r}), or at a shell, with --app and the file or module of its workflow"
        f"{' and its database URL in SPINE_DATABASE_URL' if is_secret else ''}: spine resume {typed(run_id, *where)}"
    )
