"""What a person does to a run that somebody else may drive: cancel it, or delete its checkpoints."""

from spine.errors import NotResumable, RunAlreadyCompleted, RunIsHeld, SnapshotCorrupt
from spine.orchestration.admission import TRIES
from spine.records.event import Actor
from spine.records.names import typed
from spine.records.run import RunStatus, RunSummary
from spine.stores.protocol import Store


def cancel_run(store: Store, run_id: str, by: Actor) -> RunSummary:
    """Cancel a run and give it; raise `RunAlreadyCompleted` if there is nothing left to cancel."""
    for _ in range(TRIES):
        cancelled = store.cancel_run(run_id, by=by)
        try:
            run = store.get_run_summary(run_id)
        except SnapshotCorrupt as error:
            raise SnapshotCorrupt(f"run {run_id!r} is cancelled, and {error}" if cancelled else str(error)) from None
        if cancelled or run.status is RunStatus.CANCELLED:
            return run
        if run.status is RunStatus.COMPLETED:
            raise RunAlreadyCompleted(f"run {run_id!r} has completed; there is nothing to cancel")
    raise NotResumable(f"run {run_id!r} kept changing while it was to be cancelled; try again")


def delete_checkpoints(store: Store, run_id: str, by: Actor) -> int:
    """Remove all checkpoints of a run and say how many; raise `RunIsHeld` while somebody drives it."""
    for _ in range(TRIES):
        removed = store.delete_checkpoints(run_id, by=by)
        if removed is not None:
            return removed
        _refuse_held(store, run_id)
    raise NotResumable(f"run {run_id!r} kept changing while its checkpoints were to be deleted; try again")


def _refuse_held(store: Store, run_id: str) -> None:
    lease = store.get_claimable(run_id).lease
    if lease is not None:
        raise RunIsHeld(
            f"run {run_id!r} is driven by {lease.holder}; cancel it first: spine runs cancel {typed(run_id)}",
            holder=lease.holder,
            expires_at=lease.expires_at,
        )
