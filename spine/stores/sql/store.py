"""`SqlStore`: runs and checkpoints in SQLite or PostgreSQL; one method is one transaction."""

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any, TypeVar
from weakref import WeakSet

from sqlalchemy import Connection, Engine

from spine.codec.limits import DEFAULT_LIMITS, Limits
from spine.errors import CheckpointNotFound, RunNotFound, StoreUnavailable
from spine.records.checkpoint import Checkpoint, CheckpointSummary
from spine.records.claim import Claim, NewRun
from spine.records.context import WorkflowContext
from spine.records.event import NOBODY, Actor, Event, EventKind
from spine.records.finding import Finding
from spine.records.lease import Lease
from spine.records.override import Override, overridden
from spine.records.run import ClaimableRun, Removal, Run, RunList, RunStatus, RunSummary
from spine.stores import documents
from spine.stores.protocol import RECONNECT_SECONDS, PurgedBatch, PurgeOrder, RunFilter
from spine.stores.sql import checkpoints, events, leases, retention, runs, schema
from spine.stores.sql import engine as engines
from spine.stores.sql.own_connection import removed
from spine.stores.sql.url import describe, parse_url
from spine.stores.sql.writer import SqlRunWriter

T = TypeVar("T")

# In a forked process: a connection that went with its pool would be closed here, under its parent.
_left_to_parents: list[Engine | None] = []


class SqlStore:
    """A store in a database; its tables are looked at once, when it is first asked for something."""

    def __init__(
        self,
        url: str,
        *,
        limits: Limits = DEFAULT_LIMITS,
        reconnect_seconds: float = RECONNECT_SECONDS,
        make_tables: bool = True,
    ) -> None:
        self._url = engines.located(parse_url(url))
        self._engine = engines.make_engine(self._url)  # now: what is wrong with a URL is said at once
        self._limits = limits
        self._reconnect_seconds = reconnect_seconds
        self._make_tables = make_tables
        self._checked = False
        self._file: tuple[int, int] | None = None
        self._checking = threading.Lock()
        _stores.add(self)

    @cached_property
    def _engine(self) -> Engine:
        """Make one anew, when a forked process first asks for something."""
        return engines.make_engine(self._url)

    @property
    def location(self) -> str:
        """See `Store`; a file is told with its full path."""
        return describe(self._engine.url)

    def create_run(self, new: NewRun) -> Lease | None:
        """See `Runs`."""

        def write(connection: Connection) -> Lease | None:
            lease = runs.insert_run(connection, new)
            if lease is not None:
                by = Actor(name=new.holder, reason=new.reason)
                events.insert_event(connection, new.run_id, EventKind.RUN_CREATED, by)
                events.insert_event(connection, new.run_id, EventKind.RUN_STARTED, by, new.details)
            return lease

        return self._take(write)

    def claim_run(self, claim: Claim) -> Lease | None:
        """See `Runs`."""

        def write(connection: Connection) -> Lease | None:
            lease = runs.claim_run(connection, claim)
            if lease is not None and checkpoints.last_sequence(connection, claim.run_id) != claim.seen_sequence:
                connection.rollback()  # a driver whose lease had expired went on while this claim was planned
                return None
            if lease is not None:
                checkpoints.delete_steps(connection, claim.run_id, claim.removed_steps)
                checkpoints.rename_steps(connection, claim.run_id, claim.renamed_steps)
                by = Actor(name=claim.holder, reason=claim.reason)
                events.insert_event(connection, claim.run_id, claim.event_kind, by, claim.details)
            return lease

        return self._take(write)

    def get_run(self, run_id: str) -> Run:
        """See `Runs`."""
        with self._reading() as connection:
            row = self._select_run(connection, run_id)
            try:
                latest = checkpoints.select_checkpoint(connection, run_id, None)
                context, sequence = latest.context, latest.sequence
            except CheckpointNotFound:
                context, sequence = _first_context(row), 0
        fields = runs.summary_fields(row)
        reached = fields["definition"].up_to(row.current_step)
        return Run(**fields, context=overridden(context, _overrides(row), sequence=sequence, reached=reached))

    def get_run_summary(self, run_id: str) -> RunSummary:
        """See `Runs`."""
        with self._reading() as connection:
            return RunSummary(**runs.summary_fields(self._select_run(connection, run_id)))

    def get_claimable(self, run_id: str) -> ClaimableRun:
        """See `Runs`."""
        with self._reading() as connection:
            row = self._select_run(connection, run_id)
            last_sequence = checkpoints.last_sequence(connection, run_id)
        point = documents.read_resume_point(row.resume_point, run_id=run_id, workflow_name=row.workflow_name)
        return ClaimableRun(
            **runs.summary_fields(row),
            resume_point=point,
            overrides=_overrides(row),
            last_sequence=last_sequence,
        )

    def get_first_context(self, run_id: str) -> WorkflowContext:
        """See `Runs`."""
        with self._reading() as connection:
            return _first_context(self._select_run(connection, run_id))

    def list_runs(self, wanted: RunFilter) -> RunList:
        """See `Runs`."""
        with self._reading() as connection:
            return runs.select_summaries(connection, wanted)

    def cancel_run(self, run_id: str, *, by: Actor = NOBODY) -> bool:
        """See `Runs`."""

        def write(connection: Connection) -> bool:
            self._require_run(connection, run_id)
            cancelled = runs.cancel_run(connection, run_id)
            if cancelled:
                events.insert_event(connection, run_id, EventKind.RUN_CANCELLED, by)
            return cancelled

        return self._write(write)

    def list_checkpoints(self, run_id: str) -> list[CheckpointSummary]:
        """See `Checkpoints`."""
        with self._reading() as connection:
            found = checkpoints.select_summaries(connection, run_id)
            if not found:
                self._require_run(connection, run_id)
            return found

    def get_checkpoint(self, run_id: str, step: str | None = None) -> Checkpoint:
        """See `Checkpoints`."""
        with self._reading() as connection:
            try:
                return checkpoints.select_checkpoint(connection, run_id, step)
            except CheckpointNotFound:
                self._require_run(connection, run_id)
                raise

    def delete_checkpoints(self, run_id: str, *, by: Actor = NOBODY) -> int | None:
        """See `Checkpoints`."""

        def write(connection: Connection) -> int | None:
            self._require_run(connection, run_id)
            if not runs.mark_removed(connection, run_id, Removal.DELETED):
                return 0 if runs.is_removed(connection, run_id) else None
            removed = checkpoints.delete_of_runs(connection, [run_id])
            events.insert_event(connection, run_id, EventKind.CHECKPOINTS_DELETED, by, {"checkpoints": removed})
            if runs.cancel_run(connection, run_id, {RunStatus.RUNNING}):  # crashed: nobody can go on with it any more
                events.insert_event(connection, run_id, EventKind.RUN_CANCELLED, by)
            return removed

        return self._write(write)

    def list_events(self, run_id: str) -> list[Event]:
        """See `Events`."""
        with self._reading() as connection:
            self._require_run(connection, run_id)
            return events.select_events(connection, run_id)

    def writer(self, lease: Lease, *, lease_seconds: float, left_at: str | None = None) -> SqlRunWriter:
        """See `Leases`."""
        self._check_schema()
        return SqlRunWriter(
            self._engine,
            lease,
            lease_seconds=lease_seconds,
            left_at=left_at,
            reconnect_seconds=self._reconnect_seconds,
            limits=self._limits,
        )

    def renew_leases(self, held: Sequence[Lease], *, lease_seconds: float) -> set[str]:
        """See `Leases`."""
        return self._write(lambda connection: leases.renew(connection, held, lease_seconds))

    def preview_purge(self, order: PurgeOrder) -> PurgedBatch:
        """See `Retention`."""
        with self._reading() as connection:
            return retention.preview(connection, order)

    def purge_runs(self, order: PurgeOrder, *, by: Actor = NOBODY) -> PurgedBatch:
        """See `Retention`."""

        def write(connection: Connection) -> PurgedBatch:
            batch = retention.purge_batch(connection, order)
            events.insert_purges(connection, batch.runs, by)
            return batch

        return self._write(write)

    def examine(self) -> list[Finding]:
        """See `Health`."""
        from spine.stores.sql import checkup  # noqa: PLC0415  # no run needs a doctor in order to start

        return checkup.examine(self._engine)

    def close(self) -> None:
        """See `Store`."""
        self._engine.pool.dispose()  # and not the engine, which would give whoever comes late a pool that keeps again

    def begin_anew(self) -> None:
        """Leave its engine, which may be half made, and a lock that a thread may hold, to the parent process."""
        _left_to_parents.append(self.__dict__.pop("_engine", None))
        self._checking = threading.Lock()

    def _reading(self) -> AbstractContextManager[Connection]:
        self._check_schema()
        return engines.reading(self._engine)

    def _write(self, act: Callable[[Connection], T]) -> T:
        self._check_schema()
        return engines.write(self._engine, act)

    def _take(self, write: Callable[[Connection], Lease | None]) -> Lease | None:
        self._check_schema()
        return leases.take(self._engine, write, reconnect_seconds=self._reconnect_seconds)

    def _check_schema(self) -> None:
        """Refuse tables of another version; on SQLite make them first if they may be made, and upgrade older ones."""
        with self._checking:
            if self._checked:
                self._require_same_file()
                return
            if not self._make_tables and engines.is_absent(self._engine):
                raise schema.absent(self._engine)
            revision = schema.revision_of(self._engine)
            if not engines.is_postgresql(self._engine) and (
                self._make_tables if revision is None else revision < schema.HEAD
            ):
                schema.upgrade(self._engine)
                revision = schema.revision_of(self._engine)
            schema.require_head(revision, self.location)
            self._file = engines.file_of(self._engine)
            self._checked = True

    def _require_same_file(self) -> None:
        """Refuse to go on with a file that nobody else sees any more, or to begin another in its place."""
        if engines.file_of(self._engine) != self._file:
            raise StoreUnavailable(removed(self.location))

    def _select_run(self, connection: Connection, run_id: str) -> Any:
        row = runs.select_run(connection, run_id)
        if row is None:
            raise self._no_run(run_id)
        return row

    def _require_run(self, connection: Connection, run_id: str) -> None:
        if not runs.exists(connection, run_id):
            raise self._no_run(run_id)

    def _no_run(self, run_id: str) -> RunNotFound:
        return RunNotFound(f"no run {run_id!r} in {self.location}; list the runs with: spine runs list")


def _overrides(row: Any) -> tuple[Override, ...]:
    return documents.read_overrides(row.overrides, run_id=row.run_id, workflow_name=row.workflow_name)


def _first_context(row: Any) -> WorkflowContext:
    where = f"run {row.run_id!r}"
    return WorkflowContext(
        run_id=row.run_id,
        workflow_name=row.workflow_name,
        params=documents.read_values(row.params, where=f"the params of {where}"),
        partition=documents.read_values(row.partition, where=f"the partition of {where}"),
        defaulted=documents.read_definition(row.definition, where=where).defaulted,
    )


_stores: WeakSet[SqlStore] = WeakSet()


def _begin_anew() -> None:
    """Let every store begin anew before a second thread can ask one."""
    for store in list(_stores):
        store.begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
