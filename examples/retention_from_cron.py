"""Remove the checkpoints of runs that ended long ago, and keep those of failed runs for longer.

When to use: runs come every day and the database shall not grow for ever. In the crontab, each night at 3:17:

    17 3 * * *  SPINE_DATABASE_URL=postgresql://etl@db/etl spine retention run --days 7 --failed-days 30

Run it: python examples/retention_from_cron.py
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from spine.orchestration import Step, StepResult, Workflow, WorkflowContext, WorkflowRunner

A_MOMENT = 1e-9  # in days, for this example's run has only just ended; in life it is a week


def prepare(_ctx: WorkflowContext, _config: dict[str, Any]) -> StepResult:
    return StepResult.ok({"lines": 3})


def deliver(ctx: WorkflowContext, _config: dict[str, Any]) -> StepResult:
    Path(ctx.params["folder"], "out.txt").write_text("line\n" * ctx.outputs["prepare"]["lines"])
    return StepResult.ok()


nightly = Workflow("example-nightly", [Step.lambda_("prepare", prepare), Step.lambda_("deliver", deliver)])


def main(place: Path) -> None:
    late = place / "late"
    with WorkflowRunner(os.environ.get("SPINE_DATABASE_URL") or f"sqlite:///{place}/spine.db") as runner:
        completed = runner.execute(nightly, {"folder": str(place)})
        failed = runner.execute(nightly, {"folder": str(late)})
        for dry_run in (True, False):
            purged = runner.purge(A_MOMENT, failed_days=30, dry_run=dry_run, workflows=[nightly.name])
            ours = completed.run_id in purged.runs and failed.run_id not in purged.runs
            print(f"{'would go' if dry_run else 'went'}: the completed run's checkpoints only: {ours}")

        run = runner.get_run(completed.run_id)
        print(f"its row stays: {run.status}, checkpoints {run.removed_because}")
        late.mkdir()
        print(f"the failed run can still be resumed: {runner.resume(failed.run_id).status}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        main(Path(directory))
