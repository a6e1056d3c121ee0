"""Spine, through its public face and as it ships: lease, heartbeat, events and logging are on."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.contender import POSTGRESQL, SQLITE
from benchmarks.work import Output, Work
from spine.orchestration import Registry, SchemaMissing, Step, Workflow, WorkflowRunner


class Spine:
    """A workflow of as many steps as the work has."""

    name = "Spine"
    needs = "spine"
    kinds = (POSTGRESQL, SQLITE)
    durability = "synchronous_commit=on; WAL with synchronous=FULL"

    def open(self, url: str) -> None:
        """See `Contender`."""
        upgrade(url)
        self._runner = WorkflowRunner(url, registry=Registry())

    def drive(self, work: Work) -> None:
        """See `Contender`."""
        self._runner.execute(workflow_of(work), run_id=work.run).raise_for_status()

    def stored(self, work: Work) -> list[Output]:
        """See `Contender`."""
        outputs = self._runner.get_run(work.run).context.outputs
        return [dict(outputs[_name(step)]) for step in range(work.steps)]

    def close(self) -> None:
        """See `Contender`."""
        self._runner.close()


def upgrade(url: str) -> None:
    """Make the tables as an operator does, if they are not there; SQLite gets them on first use."""
    try:
        with WorkflowRunner(url, registry=Registry()) as runner:
            runner.list_runs(limit=1)
    except SchemaMissing:
        environment = os.environ | {"SPINE_DATABASE_URL": url}
        subprocess.run(
            [sys.executable, "-m", "spine", "db", "upgrade", "--json"],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )


def workflow_of(work: Work) -> Workflow:
    """Make the workflow that does this work."""
    return Workflow("work", [Step.lambda_(_name(step), _performer(work, step)) for step in range(work.steps)])


def _performer(work: Work, step: int) -> Callable[[Any, Any], Output]:
    def perform(ctx: Any, _config: Any) -> Output:
        return work.perform(step, lambda earlier: dict(ctx.outputs[_name(earlier)]))

    return perform


def _name(step: int) -> str:
    return f"step{step}"


CONTENDER = Spine
