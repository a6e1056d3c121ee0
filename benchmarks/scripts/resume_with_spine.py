"""Resume a run, and end as soon as its next step is being executed."""

import os
import sys
from typing import Any

from spine.orchestration import Registry, Step, Workflow, WorkflowRunner

STEPS, RESUMED_AT = 100, 50
TEXT = "0123456789abcdef" * 5


def new_runs(url: str, number: int) -> None:
    """Leave so many runs that failed at step 50, named `run0` and so on."""
    with WorkflowRunner(url, registry=Registry()) as runner:
        for each in range(number):
            runner.execute(_workflow(_fail), run_id=f"run{each}")


def resume(url: str, run_id: str) -> None:
    """Go on with a run."""
    runner = WorkflowRunner(url, registry=Registry())
    runner.register(_workflow(_end))
    runner.resume(run_id)


def _workflow(at_the_step: Any) -> Workflow:
    return Workflow(
        "cold",
        [
            Step.lambda_(f"step{number}", at_the_step if number == RESUMED_AT else _output)
            for number in range(1, STEPS + 1)
        ],
    )


def _output(_ctx: Any, _config: Any) -> dict[str, Any]:
    return {"text": TEXT}


def _fail(_ctx: Any, _config: Any) -> dict[str, Any]:
    raise TimeoutError


def _end(ctx: Any, _config: Any) -> None:
    os._exit(0 if ctx.outputs["step1"]["text"] == TEXT else 1)


if __name__ == "__main__":
    resume(*sys.argv[1:])
