"""A run fails, the cause is repaired, and the run goes on from the step that failed.

When to use: always; this is what Spine is for.
Run it: python examples/first_resume.py
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from spine.orchestration import Step, StepResult, Workflow, WorkflowContext, WorkflowRunner


def extract(_ctx: WorkflowContext, _config: dict[str, Any]) -> StepResult:
    print("  extract: reads the orders, which takes long")
    return StepResult.ok({"orders": [120, 80, 200]})


def transform(ctx: WorkflowContext, _config: dict[str, Any]) -> StepResult:
    print("  transform: adds them up")
    return StepResult.ok({"total": sum(ctx.outputs["extract"]["orders"])})


def load(ctx: WorkflowContext, _config: dict[str, Any]) -> StepResult:
    print("  load: writes the total")
    Path(ctx.params["folder"], "total.txt").write_text(f"{ctx.outputs['transform']['total']}\n")
    return StepResult.ok()


orders = Workflow(
    "orders",
    [
        Step.lambda_("extract", extract),
        Step.lambda_("transform", transform),
        Step.lambda_("load", load),
    ],
)


def main(place: Path) -> None:
    folder = place / "reports"
    with WorkflowRunner(os.environ.get("SPINE_DATABASE_URL") or f"sqlite:///{place}/spine.db") as runner:
        failed = runner.execute(orders, {"folder": str(folder)})
        done = ", ".join(failed.completed_steps)
        print(f"{failed.status} at {failed.error_step} ({failed.error_type}); done: {done}")

        folder.mkdir()
        resumed = runner.resume(failed.run_id)
        print(f"{resumed.status}; this time it ran: {', '.join(resumed.completed_steps)}")
        print(f"the total is {(folder / 'total.txt').read_text()}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        main(Path(directory))
