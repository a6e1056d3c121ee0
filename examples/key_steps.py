"""Checkpoint only the steps that are dear: a resume repeats the cheap ones after the last of them.

When to use: one step takes an hour, the others seconds, or their outputs are too big to keep.
Run it: python examples/key_steps.py
"""

import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from spine.orchestration import Step, StepResult, Workflow, WorkflowContext, WorkflowRunner

performed: Counter[str] = Counter()


def fetch(_ctx: WorkflowContext, _config: dict[str, Any]) -> StepResult:
    performed["fetch"] += 1
    return StepResult.ok({"celsius": [3.5, 4.0, 6.5]})


def convert(ctx: WorkflowContext, _config: dict[str, Any]) -> StepResult:
    performed["convert"] += 1
    return StepResult.ok({"fahrenheit": [value * 9 / 5 + 32 for value in ctx.outputs["fetch"]["celsius"]]})


def load(ctx: WorkflowContext, _config: dict[str, Any]) -> StepResult:
    performed["load"] += 1
    Path(ctx.params["folder"], "temperatures.txt").write_text(str(ctx.outputs["convert"]["fahrenheit"]))
    return StepResult.ok()


temperatures = Workflow(
    "temperatures",
    [
        Step.lambda_("fetch", fetch, checkpoint=True),
        Step.lambda_("convert", convert),
        Step.lambda_("load", load),
    ],
)


def main(place: Path) -> None:
    folder = place / "out"
    with WorkflowRunner(os.environ.get("SPINE_DATABASE_URL") or f"sqlite:///{place}/spine.db") as runner:
        failed = runner.execute(temperatures, {"folder": str(folder)})
        kept = [checkpoint.step_name for checkpoint in runner.list_checkpoints(failed.run_id)]
        print(f"{failed.status} at {failed.error_step}; checkpoints: {', '.join(kept)}")

        folder.mkdir()
        resumed = runner.resume(failed.run_id)
        print(f"{resumed.status}; this time it ran: {', '.join(resumed.completed_steps)}")
        print("performed in all: " + ", ".join(f"{step} {times}" for step, times in performed.items()))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        main(Path(directory))
