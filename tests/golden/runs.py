"""The workflows of the golden databases, and a run in every state that a later version may find.

These workflows must stay as they are: the runs of every released version go on with them.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from spine.orchestration import QualityMetrics, Registry, Step, StepResult, Workflow, WorkflowRunner

ROOT = Path(__file__).resolve().parents[2]
LEASE_SECONDS = 0.5
HARD = {
    "zebra before ape": {"zebra": 1, "ape": 2, "m": {"bb": [1, 2], "a": None}},
    "day": date(2025, 12, 31),
    "moment": datetime(2025, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    "local": datetime(2025, 7, 1, 8, 30, tzinfo=ZoneInfo("Europe/Berlin")),
    "naive": datetime(2025, 7, 1, 8, 30),  # noqa: DTZ001  # kept as it is
    "span": timedelta(days=-1, microseconds=1),
    "price": Decimal("1.10"),
    "pair": (1, (2, "3")),
    "places": {3, 1, 2},
    "raw": b"\x00\xff",
    "id": UUID("6f1c0c2e-5a63-4b0e-9f5e-1f6b8f0c9a51"),
    "large": 2**70,
    "floats": [1e22, -0.0, 0.1, float("inf")],
    "text": "NUL \0, \ud800 and \N{GRINNING FACE} 'quoted' \"twice\" \\ $1 %s",
    "$order": ["not", "ours"],
    "by number": {7: "seven", (1, 2): "a pair"},
}
PARAMS = {"target": "broken", "limit": Decimal("0.10"), "day": date(2025, 12, 31), "tags": ("b", "a")}
OVERRIDE = {"target": "main", "limit": Decimal("0.20")}
PARTITION = {"region": "north", "day": date(2025, 12, 31)}
STEPS = ("extract", "clean", "load", "report")


class OutOfReachError(Exception):
    """What the third step raises until it is told a better target."""


def extract(params):
    return {"rows": HARD, "day": params["day"]}


def clean(ctx, config):
    rows = ctx.outputs["extract"]["rows"]
    return StepResult.ok(
        {"price": rows["price"] * 2, "pair": rows["pair"], "order": list(rows)},
        quality=QualityMetrics(record_count=len(rows), null_rate=0.25),
        context_updates={"cleaned": True},
        metadata={"source": ("orders", date(2025, 12, 31))},
    )


def load(ctx, config):
    if ctx.params["target"] == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if ctx.params["target"] == "broken":
        raise OutOfReachError("the target 'broken' is out of reach")
    return {"target": ctx.params["target"], "limit": ctx.params["limit"], "seen": dict(ctx.outputs["clean"])}


def report(ctx, config):
    if ctx.params["target"] == "silent":
        return StepResult.fail("nobody listens")
    return {"steps": list(ctx.outputs), "key": ctx.idempotency_key("mail"), "tags": ctx.params["tags"]}


def workflow(name: str = "golden.orders", *, names: Sequence[str] = STEPS) -> Workflow:
    """Four steps, the first a pipeline; those of `golden.sparse` have a checkpoint after the second alone."""
    sparse = True if name == "golden.sparse" else None
    return Workflow(
        name,
        [
            Step.pipeline(names[0], "golden.extract"),
            Step.lambda_(names[1], clean, checkpoint=sparse),
            Step.lambda_(names[2], load),
            Step.lambda_(names[3], report),
        ],
        defaults={"unused": 1},
    )


def runner(url: str) -> WorkflowRunner:
    """A runner that knows the workflows and nothing else."""
    registry = Registry()
    registry.add_pipeline("golden.extract", extract)
    runner = WorkflowRunner(url, registry=registry, lease_seconds=LEASE_SECONDS)
    runner.register(workflow(), workflow("golden.sparse"), workflow("golden.expired"))
    return runner


def leave_all(url: str) -> None:
    """Leave one run of each kind, named for what became of it."""
    with runner(url) as driver:
        orders = workflow()
        driver.execute(orders, PARAMS, run_id="failed", partition=PARTITION, reason="month end")
        driver.execute(orders, {**PARAMS, "target": "main"}, run_id="completed", partition=PARTITION)
        driver.execute(orders, PARAMS, run_id="cancelled")
        driver.cancel("cancelled", reason="no longer wanted")
        driver.execute(orders, PARAMS, run_id="told")
        driver.execute(orders, {**OVERRIDE, "target": "silent"}, run_id="told", start_from="report")
        driver.execute(orders, PARAMS, run_id="changed")
        changed = driver.get_run("changed").context.with_params({"tags": ("changed", "by hand")})
        driver.execute(orders, context=changed, start_from="load")
        driver.execute(workflow("golden.sparse"), PARAMS, run_id="sparse")
        driver.execute(orders, PARAMS, run_id="removed")
        driver.delete_checkpoints("removed", reason="no longer wanted")
        driver.execute(workflow("golden.expired"), {**PARAMS, "target": "main"}, run_id="expired")
        driver.purge(1e-9, workflows=["golden.expired"])
        crash(url)
        while not driver.get_run("crashed").is_crashed:
            pass


def crash(url: str) -> None:
    """Leave the run of a process that was killed in its third step."""
    ended = subprocess.run([sys.executable, "-m", "tests.golden.runs", url], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL


if __name__ == "__main__":
    runner(sys.argv[1]).execute(workflow(), {**PARAMS, "target": "crash"}, run_id="crashed", partition=PARTITION)
