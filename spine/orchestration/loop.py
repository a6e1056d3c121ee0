"""Walks the steps of a run; the only place that knows what comes next."""

from collections.abc import Iterator

from spine.orchestration.executor import Executor
from spine.orchestration.progress import Progress
from spine.records.run import RunStatus


def drive(progress: Progress, executor: Executor) -> Iterator[Progress]:
    """Take step after step until the run has ended, telling after each how far it has come."""
    while progress.ending.status is RunStatus.RUNNING and progress.step is not None:
        progress = executor.execute(progress.step, progress)
        yield progress
