"""What every store does, a small protocol a noun; `spine.testing.contract` holds each store to it.

A method is one transaction: when it returns, what it did is durable. Whatever a database raises comes out as a
`StoreError`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from spine.records.checkpoint import Checkpoint, CheckpointSummary, NewCheckpoint
from spine.records.claim import Claim, Ending, NewRun
from spine.records.context import WorkflowContext
from spine.records.event import NOBODY, Actor, Event
from spine.records.finding import Finding
from spine.records.lease import Lease
from spine.records.run import ClaimableRun, Run, RunList, RunStatus, RunSummary

RECONNECT_SECONDS = 30.0


class RunFilter(NamedTuple):
    """Which runs a list shows: the newest `limit` that fit; `crashed` is no status and has its own flag.

    With `least_taken` they are those whose lease was taken least often, the oldest first, instead of the newest.
    """

    status: RunStatus | None = None
    crashed: bool = False
    workflow: str | None = None
    since: datetime | None = None
    limit: int = 100
    least_taken: bool = False


class PurgeOrder(NamedTuple):
    """Which runs one purge takes: at most `batch` of those that ended over `days` ago.

    It takes fewer, but at least one, if together they have more than `most_checkpoints`: other writers wait while a
    batch is deleted (not those of the memory store, which ignores this limit). Failed and cancelled runs go when their
    last activity was over `failed_days` ago; `workflows` narrows it to those named.
    """

    days: float
    failed_days: float
    workflows: frozenset[str] | None = None
    batch: int = 500
    most_checkpoints: int = 5000


class PurgedBatch(NamedTuple):
    """The runs that one purge took, or would take, and how many checkpoints went with them."""

    runs: tuple[str, ...]
    checkpoints: int


class Runs(Protocol):
    """Where runs are kept."""

    def create_run(self, new: NewRun) -> Lease | None:
        """Write a new run as running, with its lease, in one statement; None if the id is taken."""

    def claim_run(self, claim: Claim) -> Lease | None:
        """Take the lease of a run nobody holds, raising its fence by one, in one statement.

        None if the run is no longer as it was seen, is held, or lost its checkpoints. Raise `SnapshotCorrupt` if steps
        cannot be renamed as the claim asks, and claim nothing.
        """

    def get_run(self, run_id: str) -> Run:
        """Read a run with the context of its latest checkpoint, else its first; raise `RunNotFound`."""

    def get_run_summary(self, run_id: str) -> RunSummary:
        """Read a run as a list shows it; raise `RunNotFound`."""

    def get_claimable(self, run_id: str) -> ClaimableRun:
        """Read a run as a claim judges it, without its context; raise `RunNotFound`."""

    def get_first_context(self, run_id: str) -> WorkflowContext:
        """Read the context a run was started with; raise `RunNotFound`."""

    def list_runs(self, wanted: RunFilter) -> RunList:
        """List the runs that fit, oldest or least taken first, and what is damaged of them; no snapshot is read."""

    def cancel_run(self, run_id: str, *, by: Actor = NOBODY) -> bool:
        """Cancel a run that has not completed, held or not; False if there was nothing to cancel."""


class Checkpoints(Protocol):
    """Where checkpoints are kept."""

    def list_checkpoints(self, run_id: str) -> list[CheckpointSummary]:
        """List a run's checkpoints by sequence; no snapshot is read."""

    def get_checkpoint(self, run_id: str, step: str | None = None) -> Checkpoint:
        """Read one checkpoint, the latest without a step; raise `CheckpointNotFound`."""

    def delete_checkpoints(self, run_id: str, *, by: Actor = NOBODY) -> int | None:
        """Remove all checkpoints of a run nobody holds and say how many; None if it is held.

        A crashed run, with which nobody can go on any more, is cancelled. Where they were removed before nothing
        changes, also not by whom.
        """


class Events(Protocol):
    """What happened to each run; written by the transaction that did it, and never changed."""

    def list_events(self, run_id: str) -> list[Event]:
        """List a run's events in the order they happened; raise `RunNotFound`."""


class RunWriter(Protocol):
    """The pen of whoever drives a run: each write names the fence and raises `LeaseLost` if it is old."""

    def save_checkpoint(self, new: NewCheckpoint, ending: Ending | None = None) -> int:
        """Write a checkpoint, move the run on, renew its lease and, with an ending, end the run, all at once.

        Gives the size of the snapshot in bytes; raises `NotStorable` if it is over the limit.
        """

    def end_run(self, ending: Ending) -> None:
        """End the run and release its lease, without a checkpoint."""

    def require_lease(self) -> None:
        """Ask whether the run is still this driver's, and wait for a lost database as a write does."""

    def close(self) -> None:
        """Give back the session; the lease stays as it is."""


class Leases(Protocol):
    """Who drives what."""

    def writer(self, lease: Lease, *, lease_seconds: float, left_at: str | None = None) -> RunWriter:
        """Open the session in which the holder of this lease writes; each step's write renews it.

        `left_at` is the step at which the taking left the run. A store that may lose what was committed, or hear a
        write twice, raises `StoreWentBack` for a run that is not where the last write left it.
        """

    def renew_leases(self, leases: Sequence[Lease], *, lease_seconds: float) -> set[str]:
        """Renew these leases in one statement and give the ids of the runs that are still theirs."""


class Retention(Protocol):
    """What goes when it is old."""

    def preview_purge(self, order: PurgeOrder) -> PurgedBatch:
        """Tell which runs a purge would take, oldest first and all of them, and take nothing."""

    def purge_runs(self, order: PurgeOrder, *, by: Actor = NOBODY) -> PurgedBatch:
        """Remove one batch of expired runs' checkpoints; the run rows stay and say why."""


class Health(Protocol):
    """Whether the store is set up well."""

    def examine(self) -> list[Finding]:
        """Look at the store from outside and say what is fine, what is not, and what to do; raises nothing."""


class Store(Runs, Checkpoints, Events, Leases, Retention, Health, Protocol):
    """All of it, in one place that is opened and closed; safe to use from several threads."""

    @property
    def location(self) -> str:
        """Where this store is, for people: the URL without its password."""

    def close(self) -> None:
        """Let go of every connection."""
