"""What to say of a run or a checkpoint that is not there: what there is instead."""

from collections.abc import Iterator
from contextlib import contextmanager

from spine.errors import CheckpointNotFound, RunNotFound, StoreError, alike
from spine.records.names import typed
from spine.records.run import Removal
from spine.stores.protocol import RunFilter, Runs

LOOKED_AT = 500
SHOWN = 3


@contextmanager
def saying_what_there_is(store: Runs, run_id: str) -> Iterator[None]:
    """Add to `RunNotFound` the runs of a similar id, else the newest; say it of checkpoints that were removed."""
    try:
        yield
    except RunNotFound as error:
        raise RunNotFound(f"{error}{_instead(store, run_id)}") from None
    except CheckpointNotFound as error:
        raise CheckpointNotFound(_removed(store, run_id) or str(error)) from None


def _instead(store: Runs, run_id: str) -> str:
    try:
        found = store.list_runs(RunFilter(limit=LOOKED_AT))
    except StoreError:  # then what is known already must do
        return ""
    newest = [run.run_id for run in reversed([*found.damaged, *found])]
    begun = [name for name in newest if name.startswith(run_id)]
    near = (begun or alike(run_id, newest, most=SHOWN))[:SHOWN]
    if near:
        return f" (did you mean {' or '.join(map(repr, near))}?)"
    return f" (the newest: {', '.join(map(repr, newest[:SHOWN]))})" if newest else " (there are none)"


def _removed(store: Runs, run_id: str) -> str:
    try:
        run = store.get_claimable(run_id)
    except (RunNotFound, StoreError):
        return ""
    if run.removed_at is None:
        return ""
    gone = "expired" if run.removed_because is Removal.EXPIRED else "were deleted"
    return (
        f"run {run_id!r} has no checkpoints any more: they {gone} on {run.removed_at:%Y-%m-%d}; "
        f"start a new run with the same params, and see them with: spine runs show {typed(run_id)}"
    )
