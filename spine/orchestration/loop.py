"""Walks the steps of a run, one after another, as its progress says."""

from spine.orchestration.executor import Executor
from spine.orchestration.progress import Progress


def drive(progress: Progress, executor: Executor) -> None:
    """Take step after step until the run has ended."""
    while (step := progress.step) is not None:
        executor.execute(step, progress)
