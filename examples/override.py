"""A run fails on a wrong parameter and is resumed with the right one; all other parameters are kept.

When to use: a timeout, an encoding, a limit was wrong, and the work done before it was right.
Run it: python examples/override.py      (in the shell: spine resume RUN_ID --param encoding=latin-1)
"""

import os
import tempfile
from pathlib import Path
from typing import Any

from spine.orchestration import Step, StepResult, Workflow, WorkflowContext, WorkflowRunner

PRICES = "Café au lait;3.20\nCrème brûlée;5.90\n"


def fetch(ctx: WorkflowContext, _config: dict[str, Any]) -> StepResult:
    print("  fetch: a supplier's price list, written in Latin-1")
    path = Path(ctx.params["folder"], "prices.csv")
    path.write_bytes(PRICES.encode("latin-1"))
    return StepResult.ok({"storage_path": str(path)})


def parse(ctx: WorkflowContext, _config: dict[str, Any]) -> StepResult:
    print(f"  parse: as {ctx.params['encoding']}")
    text = Path(ctx.outputs["fetch"]["storage_path"]).read_text(ctx.params["encoding"])
    return StepResult.ok({"prices": dict(line.split(";") for line in text.splitlines())})


prices = Workflow(
    "prices",
    [Step.lambda_("fetch", fetch), Step.lambda_("parse", parse)],
    defaults={"encoding": "utf-8"},
)


def main(place: Path) -> None:
    with WorkflowRunner(os.environ.get("SPINE_DATABASE_URL") or f"sqlite:///{place}/spine.db") as runner:
        failed = runner.execute(prices, {"folder": str(place)})
        print(f"{failed.status} at {failed.error_step}: {failed.error}")

        resumed = runner.resume(failed.run_id, {"encoding": "latin-1"})
        print(f"{resumed.status}; parsed {resumed.context.outputs['parse']['prices']}")
        print(f"the run now says encoding={resumed.context.params['encoding']}; its folder was kept")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        main(Path(directory))
