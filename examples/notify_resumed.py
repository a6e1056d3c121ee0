"""The last step tells people how the run ended, and says RESUMED if it did not go through at the first try.

When to use: someone reads the message and must know that a person has already been at work on this run.
Run it: python examples/notify_resumed.py
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from spine.orchestration import Step, StepResult, Workflow, WorkflowContext, WorkflowRunner


def publish(ctx: WorkflowContext, _config: dict[str, Any]) -> StepResult:
    Path(ctx.params["folder"], "index.html").write_text("<h1>Prices</h1>")
    return StepResult.ok()


def notify(ctx: WorkflowContext, _config: dict[str, Any]) -> StepResult:
    how = "RESUMED and completed" if ctx.params.get("__resumed__", False) else "completed"
    message = f"{ctx.workflow_name} for {ctx.partition['date']}: {how}"
    print(f"  message: {message}")
    return StepResult.ok({"message": message})


site = Workflow("site", [Step.lambda_("publish", publish), Step.lambda_("notify", notify)])


def main(place: Path) -> None:
    with WorkflowRunner(os.environ.get("SPINE_DATABASE_URL") or f"sqlite:///{place}/spine.db") as runner:
        print("a run that goes through:")
        runner.execute(site, {"folder": str(place)}, partition={"date": "2026-01-10"}).raise_for_status()

        print("a run that does not:")
        folder = place / "next"
        failed = runner.execute(site, {"folder": str(folder)}, partition={"date": "2026-01-11"})
        print(f"  {failed.status} at {failed.error_step}; no message")
        folder.mkdir()
        runner.resume(failed.run_id).raise_for_status()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        main(Path(directory))
