"""`MemoryStore`: everything in this process, for tests; it keeps documents, as the databases do."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from spine import clock
from spine.codec.limits import DEFAULT_LIMITS, Limits
from spine.errors import CheckpointNotFound, RunNotFound
from spine.records.checkpoint import Checkpoint, CheckpointSummary, NewCheckpoint
from spine.records.claim import Claim, Ending, NewRun
from spine.records.context import WorkflowContext
from spine.records.event import NOBODY, Actor, Event, EventKind
from spine.records.finding import Finding, Verdict
from spine.records.lease import Lease, lease_lost
from spine.records.override import Override, overridden
from spine.records.resume_point import ResumePoint
from spine.records.run import ClaimableRun, Removal, Run, RunList, RunStatus, RunSummary
from spine.stores import documents, snapshots
from spine.stores.memory.checkpoints import Row, read_last
from spine.stores.protocol import PurgedBatch, PurgeOrder, RunFilter
from spine.stores.snapshots import Snapshot


class MemoryStore:
    """A store that ends with the process."""

    def __init__(self, *, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._lock = threading.RLock()
        self._runs: dict[str, RunSummary] = {}
        self._leases: dict[str, Lease] = {}
        self._first: dict[str, WorkflowContext] = {}
        self._points: dict[str, ResumePoint | None] = {}
        self._overrides: dict[str, tuple[Override, ...]] = {}
        self._rows: dict[str, dict[str, Row]] = {}
        self._events: dict[str, list[Event]] = {}

    @property
    def location(self) -> str:
        """See `Store`."""
        return "memory://"

    def create_run(self, new: NewRun) -> Lease | None:
        """See `Runs`."""
        with self._lock:
            if new.run_id in self._runs:
                return None
            now = clock.now()
            self._runs[new.run_id] = RunSummary(
                run_id=new.run_id,
                workflow_name=new.context.workflow_name,
                status=RunStatus.RUNNING,
                definition=new.definition,
                current_step=new.current_step,
                created_at=now,
                started_at=now,
                updated_at=now,
            )
            self._first[new.run_id] = new.first_context
            self._points[new.run_id], self._overrides[new.run_id] = new.resume_point, new.overrides
            self._rows[new.run_id] = {}
            self._events[new.run_id] = []
            by = Actor(name=new.holder, reason=new.reason)
            self._note(new.run_id, EventKind.RUN_CREATED, by)
            self._note(new.run_id, EventKind.RUN_STARTED, by, new.details)
            return self._take(new.run_id, new.holder, new.lease_seconds)

    def claim_run(self, claim: Claim) -> Lease | None:
        """See `Runs`."""
        with self._lock:
            run = self._runs.get(claim.run_id)
            seen = (claim.seen_status, claim.seen_fence)
            if run is None or (run.status, run.fence) != seen or run.removed_at or self._held(claim.run_id):
                return None
            if self._last_sequence(claim.run_id) != claim.seen_sequence:
                return None
            rows = self._rows_after(claim)
            self._runs[claim.run_id] = replace(
                run,
                status=RunStatus.RUNNING,
                definition=claim.definition,
                current_step=claim.current_step,
                error_step=None,
                error=None,
                error_type=None,
                error_category=None,
                finished_at=None,
                updated_at=clock.now(),
            )
            self._points[claim.run_id], self._overrides[claim.run_id] = claim.resume_point, claim.overrides
            self._rows[claim.run_id] = rows
            by = Actor(name=claim.holder, reason=claim.reason)
            self._note(claim.run_id, claim.event_kind, by, claim.details)
            return self._take(claim.run_id, claim.holder, claim.lease_seconds)

    def get_run(self, run_id: str) -> Run:
        """See `Runs`."""
        with self._lock:
            summary = self._shown(run_id)
            rows = self._sorted_rows(run_id)
            context = read_last(rows).context if rows else self._first[run_id].fresh()
            sequence = rows[-1].new.sequence if rows else 0
            fields = {name: getattr(summary, name) for name in RunSummary.__dataclass_fields__}
            reached = summary.definition.up_to(summary.current_step)
            overrides = self._overrides[run_id]
            return Run(**fields, context=overridden(context, overrides, sequence=sequence, reached=reached))

    def get_run_summary(self, run_id: str) -> RunSummary:
        """See `Runs`."""
        with self._lock:
            return self._shown(run_id)

    def get_claimable(self, run_id: str) -> ClaimableRun:
        """See `Runs`."""
        with self._lock:
            summary = self._shown(run_id)
            fields = {name: getattr(summary, name) for name in RunSummary.__dataclass_fields__}
            return ClaimableRun(
                **fields,
                resume_point=self._points[run_id],
                overrides=self._overrides[run_id],
                last_sequence=self._last_sequence(run_id),
            )

    def get_first_context(self, run_id: str) -> WorkflowContext:
        """See `Runs`."""
        with self._lock:
            self._shown(run_id)
            return self._first[run_id].fresh()

    def list_runs(self, wanted: RunFilter) -> RunList:
        """See `Runs`."""
        with self._lock:
            fitting = [run for run_id in self._runs if _fits(run := self._shown(run_id), wanted)]
            fitting.sort(key=lambda run: (run.fence if wanted.least_taken else 0, run.created_at, run.run_id))
            first = 0 if wanted.least_taken else max(len(fitting) - wanted.limit, 0)
            return RunList(fitting[first : first + wanted.limit])

    def cancel_run(self, run_id: str, *, by: Actor = NOBODY) -> bool:
        """See `Runs`."""
        with self._lock:
            run = self._shown(run_id)
            if not run.status.may_become(RunStatus.CANCELLED):
                return False
            self._cancel(run_id, by)
            return True

    def list_checkpoints(self, run_id: str) -> list[CheckpointSummary]:
        """See `Checkpoints`."""
        with self._lock:
            self._shown(run_id)
            return [row.summary() for row in self._sorted_rows(run_id)]

    def get_checkpoint(self, run_id: str, step: str | None = None) -> Checkpoint:
        """See `Checkpoints`."""
        with self._lock:
            self._shown(run_id)
            rows = self._sorted_rows(run_id)
            wanted = [place for place, row in enumerate(rows) if step in (None, row.new.step_name)]
            if not wanted:
                which = "no checkpoint" if step is None else f"no checkpoint of step {step!r}"
                raise CheckpointNotFound(f"run {run_id!r} has {which}")
            return read_last(rows[: wanted[-1] + 1])

    def delete_checkpoints(self, run_id: str, *, by: Actor = NOBODY) -> int | None:
        """See `Checkpoints`."""
        with self._lock:
            if self._shown(run_id).removed_at is not None:
                return 0
            if self._held(run_id):
                return None
            run = self._runs[run_id]
            self._runs[run_id] = replace(run, fence=run.fence + 1, updated_at=clock.now())  # for a driver that is late
            removed = self._remove(run_id, Removal.DELETED)
            self._note(run_id, EventKind.CHECKPOINTS_DELETED, by, {"checkpoints": removed})
            if run.status is RunStatus.RUNNING:  # crashed: nobody can go on with it any more
                self._cancel(run_id, by)
            return removed

    def list_events(self, run_id: str) -> list[Event]:
        """See `Events`."""
        with self._lock:
            self._shown(run_id)
            return list(self._events[run_id])

    def writer(self, lease: Lease, *, lease_seconds: float, left_at: str | None = None) -> "MemoryRunWriter":  # noqa: ARG002
        """See `Leases`."""
        return MemoryRunWriter(self, lease, lease_seconds)

    def renew_leases(self, leases: Sequence[Lease], *, lease_seconds: float) -> set[str]:
        """See `Leases`."""
        with self._lock:
            held = {lease.run_id for lease in leases if self._drives(lease)}
            for run_id in held:
                self._renew(run_id, lease_seconds)
            return held

    def preview_purge(self, order: PurgeOrder) -> PurgedBatch:
        """See `Retention`."""
        with self._lock:
            expired = [run for run in self._runs.values() if _is_expired(run, order)]
            oldest = sorted(expired, key=lambda run: run.finished_at or run.updated_at)
            return PurgedBatch(
                runs=tuple(run.run_id for run in oldest), checkpoints=sum(len(self._rows[run.run_id]) for run in oldest)
            )

    def purge_runs(self, order: PurgeOrder, *, by: Actor = NOBODY) -> PurgedBatch:
        """See `Retention`."""
        with self._lock:
            batch = self.preview_purge(order).runs[: order.batch]
            removed = sum(self._remove(run_id, Removal.EXPIRED) for run_id in batch)
            for run_id in batch:
                self._note(run_id, EventKind.CHECKPOINTS_PURGED, by)
            return PurgedBatch(runs=tuple(sorted(batch)), checkpoints=removed)

    def examine(self) -> list[Finding]:
        """See `Health`."""
        seen = "kept in this process alone: nothing survives it"
        return [Finding(subject="durability", verdict=Verdict.ADVICE, seen=seen, remedy="use it for tests only")]

    def close(self) -> None:
        """See `Store`."""

    def save(self, lease: Lease, new: NewCheckpoint, ending: Ending | None, lease_seconds: float) -> int:
        """Write for the holder of a lease."""
        text, base_sequence = snapshots.write_snapshot(new, limits=self._limits)
        snapshot = Snapshot(step_name=new.step_name, sequence=new.sequence, base_sequence=base_sequence, text=text)
        metadata = documents.write_metadata(new.metadata, new.performed)
        with self._lock:
            self.require(lease)
            now = clock.now()
            rows = self._rows[lease.run_id]
            old = rows.get(new.step_name)
            created = old.created_at if old else now
            rows[new.step_name] = Row(new=new, snapshot=snapshot, metadata=metadata, created_at=created, updated_at=now)
            self._points[lease.run_id] = None
            if ending is not None:
                self._end_driven(lease, ending)
            else:
                self._runs[lease.run_id] = replace(self._runs[lease.run_id], current_step=new.next_step, updated_at=now)
                self._renew(lease.run_id, lease_seconds)
        return len(text)

    def end(self, lease: Lease, ending: Ending) -> None:
        """End a run for the holder of its lease."""
        with self._lock:
            self.require(lease)
            if ending.status != RunStatus.FAILED:
                self._points[lease.run_id] = None
            self._end_driven(lease, ending)

    def _take(self, run_id: str, holder: str, lease_seconds: float) -> Lease:
        run = self._runs[run_id]
        now = clock.now()
        expires = now + timedelta(seconds=lease_seconds)
        lease = Lease(run_id=run_id, holder=holder, fence=run.fence + 1, acquired_at=now, expires_at=expires)
        self._leases[run_id] = lease
        self._runs[run_id] = replace(run, fence=lease.fence)
        return lease

    def _renew(self, run_id: str, lease_seconds: float) -> None:
        expires = clock.now() + timedelta(seconds=lease_seconds)
        self._leases[run_id] = replace(self._leases[run_id], expires_at=expires)

    def _held(self, run_id: str) -> bool:
        return run_id in self._leases and self._leases[run_id].expires_at > clock.now()

    def _drives(self, lease: Lease) -> bool:
        run = self._runs.get(lease.run_id)
        return run is not None and (run.fence, run.status) == (lease.fence, RunStatus.RUNNING)

    def require(self, lease: Lease, otherwise: str = "nothing was written") -> None:
        """Raise `LeaseLost` if the run is not driven under this lease."""
        with self._lock:
            if not self._drives(lease):
                raise lease_lost(lease, otherwise)

    def _note(
        self, run_id: str, kind: EventKind, by: Actor, details: Mapping[str, Any] | None = None, **more: Any
    ) -> None:
        told = documents.read_details(documents.write_details(details or {}), where="details")
        workflow = self._runs[run_id].workflow_name
        event = Event(
            kind=kind,
            run_id=run_id,
            workflow_name=workflow,
            at=clock.now(),
            fields=told,
            actor=by.name,
            reason=by.reason,
            **more,
        )
        self._events[run_id].append(event)

    def _cancel(self, run_id: str, by: Actor) -> None:
        self._leases.pop(run_id, None)
        now = clock.now()
        run = self._runs[run_id]
        self._runs[run_id] = replace(run, status=RunStatus.CANCELLED, finished_at=now, updated_at=now)
        self._note(run_id, EventKind.RUN_CANCELLED, by)

    def _end_driven(self, lease: Lease, ending: Ending) -> None:
        self._end(lease.run_id, ending)
        by = Actor(name=lease.holder)
        said = ending.details
        told = {name: said.get(name) for name in ("error", "error_type", "traceback")}
        self._note(lease.run_id, ending.event_kind, by, ending.details, step=ending.error_step, **told)

    def _end(self, run_id: str, ending: Ending) -> None:
        self._leases.pop(run_id, None)
        now = clock.now()
        run = self._runs[run_id]
        self._runs[run_id] = replace(
            run,
            status=ending.status,
            current_step=run.current_step if ending.status is RunStatus.WAITING else ending.error_step,
            error_step=ending.error_step,
            error=ending.error,
            error_type=ending.error_type,
            error_category=ending.error_category,
            finished_at=now,
            updated_at=now,
        )

    def _remove(self, run_id: str, because: Removal) -> int:
        run = self._runs[run_id]
        self._runs[run_id] = replace(run, removed_at=clock.now(), removed_because=because)
        self._points[run_id] = None
        removed, self._rows[run_id] = len(self._rows[run_id]), {}
        return removed

    def _last_sequence(self, run_id: str) -> int:
        return max((row.new.sequence for row in self._rows[run_id].values()), default=0)

    def _shown(self, run_id: str) -> RunSummary:
        if run_id not in self._runs:
            raise RunNotFound(f"no run {run_id!r} in {self.location}; list the runs with list_runs() of its runner")
        run, held = self._runs[run_id], self._held(run_id)
        crashed = run.status == RunStatus.RUNNING and not held
        return replace(run, lease=self._leases[run_id] if held else None, is_crashed=crashed)

    def _rows_after(self, claim: Claim) -> dict[str, Row]:
        rows = self._rows[claim.run_id]
        stored = [row.snapshot for row in self._sorted_rows(claim.run_id)]
        workflow_name = self._runs[claim.run_id].workflow_name
        left = snapshots.without(stored, claim.removed_steps, run_id=claim.run_id, workflow_name=workflow_name)
        kept = {each.step_name: replace(rows[each.step_name], snapshot=each) for each in left}
        if not claim.renamed_steps:
            return kept
        kept = {name: row.renamed(claim.renamed_steps) for name, row in kept.items()}
        return documents.rename_rows(kept, claim.renamed_steps, run_id=claim.run_id)

    def _sorted_rows(self, run_id: str) -> list[Row]:
        return sorted(self._rows[run_id].values(), key=lambda row: row.new.sequence)


class MemoryRunWriter:
    """The pen of whoever drives a run."""

    def __init__(self, store: MemoryStore, lease: Lease, lease_seconds: float) -> None:
        self._store = store
        self._lease = lease
        self._lease_seconds = lease_seconds

    def save_checkpoint(self, new: NewCheckpoint, ending: Ending | None = None) -> int:
        """See `RunWriter`."""
        return self._store.save(self._lease, new, ending, self._lease_seconds)

    def end_run(self, ending: Ending) -> None:
        """See `RunWriter`."""
        self._store.end(self._lease, ending)

    def require_lease(self) -> None:
        """See `RunWriter`."""
        self._store.require(self._lease, "nothing more was started")

    def close(self) -> None:
        """See `RunWriter`."""


def _fits(run: RunSummary, wanted: RunFilter) -> bool:
    return (
        (wanted.status is None or run.status == wanted.status)
        and (not wanted.crashed or run.is_crashed)
        and (wanted.workflow is None or run.workflow_name == wanted.workflow)
        and (wanted.since is None or run.created_at >= wanted.since)
    )


def _is_expired(run: RunSummary, order: PurgeOrder) -> bool:
    if run.removed_at or run.finished_at is None or not run.status.is_final:
        return False
    if order.workflows is not None and run.workflow_name not in order.workflows:
        return False
    days = order.days if run.status == RunStatus.COMPLETED else order.failed_days
    return max(run.finished_at, run.updated_at) < clock.now() - timedelta(days=days)
