"""A step that fails half-way runs again from its start: with a key it charges once, without one twice.

When to use: a step changes something outside Spine, above all where money or goods move.
Run it: python examples/idempotent_load.py
"""

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from spine.orchestration import Step, StepContext, StepResult, Workflow, WorkflowRunner


def charge(bank: str, amount: int, key: str | None) -> None:
    """Charge a customer; like any good payment service, this one ignores a key that it has seen."""
    with closing(sqlite3.connect(bank)) as connection, connection:
        connection.execute("CREATE TABLE IF NOT EXISTS charges (key TEXT UNIQUE, amount INTEGER)")
        connection.execute("INSERT INTO charges VALUES (?, ?) ON CONFLICT (key) DO NOTHING", (key, amount))


def pay(ctx: StepContext, config: dict[str, Any]) -> StepResult:
    # The same on every attempt of this step of this run, and on no other.
    key = ctx.idempotency_key("order", ctx.params["order"]) if config["with_key"] else None
    charge(ctx.params["bank"], 50, key)
    print(f"  attempt: charged 50, with {'a key' if key else 'no key'}")
    Path(ctx.params["receipts"], "receipt.txt").write_text("50")  # fails as long as there is no such folder
    return StepResult.ok()


def charges(runner: WorkflowRunner, place: Path, *, with_key: bool) -> list[int]:
    """Run the order, repair what it failed on, resume it, and ask the bank."""
    name = "with-key" if with_key else "without-key"
    bank, receipts = str(place / f"{name}.db"), place / name
    workflow = Workflow(f"order-{name}", [Step.lambda_("pay", pay, config={"with_key": with_key})])
    failed = runner.execute(workflow, {"order": 7, "bank": bank, "receipts": str(receipts)})
    receipts.mkdir()
    runner.resume(failed.run_id).raise_for_status()
    with closing(sqlite3.connect(bank)) as connection:
        return [amount for (amount,) in connection.execute("SELECT amount FROM charges")]


def main(place: Path) -> None:
    with WorkflowRunner(os.environ.get("SPINE_DATABASE_URL") or f"sqlite:///{place}/spine.db") as runner:
        print(f"without a key the customer was charged {charges(runner, place, with_key=False)}")
        print(f"with a key the customer was charged {charges(runner, place, with_key=True)}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory:
        main(Path(directory))
