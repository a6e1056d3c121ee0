"""`SqlRunWriter`: the pen of whoever drives a run, on one session, with statements prepared once."""

from functools import cached_property
from typing import Any

from sqlalchemy import Engine

from spine.codec.limits import Limits
from spine.errors import SpineError, StoreWentBack
from spine.records.checkpoint import NewCheckpoint
from spine.records.claim import Ending
from spine.records.lease import Lease, lease_lost
from spine.stores import documents, snapshots
from spine.stores.sql import heap
from spine.stores.sql.prepared import Statement
from spine.stores.sql.session import Session
from spine.stores.sql.statements import Writes, compile_writes, identity
from spine.stores.sql.url import describe


class SqlRunWriter:
    """One session held for as long as the run is driven; every write compares the fence."""

    def __init__(
        self,
        engine: Engine,
        lease: Lease,
        *,
        lease_seconds: float,
        left_at: str | None,
        reconnect_seconds: float,
        limits: Limits,
    ) -> None:
        self._lease = lease
        self._limits = limits
        self._url, self._dialect = engine.url, engine.dialect
        self._session = Session(engine, reconnect_seconds=reconnect_seconds)
        self._known: dict[str, Any] = {
            **identity(lease),
            "lease_seconds": lease_seconds,
            "left_at": left_at,  # the step that the last write moved the run on to
        }

    @cached_property
    def _writes(self) -> Writes:
        return compile_writes(self._dialect)  # when the first step is done, not before it begins

    def save_checkpoint(self, new: NewCheckpoint, ending: Ending | None = None) -> int:
        """See `RunWriter`."""
        snapshot, base_sequence = snapshots.write_snapshot(new, limits=self._limits)
        if len(snapshot) > heap.LARGE:
            heap.keep_freed(len(snapshot))
        values = {
            **self._known,
            "step_name": new.step_name,
            "sequence": new.sequence,
            "next_step": new.next_step,
            "context_snapshot": snapshot,
            "size": len(snapshot),
            "base_sequence": base_sequence,
            "metadata": documents.write_metadata(new.metadata, new.performed),
        }
        if ending is None:
            self._run(self._writes.go_on, values, self._writes.is_saved)
        else:
            self._run(self._writes.end_with_checkpoint, values | self._ending_values(ending), self._writes.is_saved)
            self._session.require_same_log()
        return len(snapshot)

    def end_run(self, ending: Ending) -> None:
        """See `RunWriter`."""
        self._run(self._writes.end, {**self._known, **self._ending_values(ending)}, self._writes.has_ended)
        self._session.require_same_log()

    def require_lease(self) -> None:
        """See `RunWriter`."""
        if not self._is_driven():
            raise lease_lost(self._lease, "nothing more was started")
        self._session.require_same_log()

    def close(self) -> None:
        """See `RunWriter`."""
        self._session.close()

    def _ending_values(self, ending: Ending) -> dict[str, Any]:
        return {
            "new_status": ending.status.value,
            "error_step": ending.error_step,
            "error": ending.error,
            "error_type": ending.error_type,
            "error_category": ending.error_category,
            "event_kind": ending.event_kind.value,
            "actor": self._lease.holder,
            "details": documents.write_details(ending.details),
        }

    def _run(self, write: Statement, values: dict[str, Any], question: Statement) -> None:
        self._known["left_at"] = None  # nobody knows until the write is answered
        if self._session.run(write, values, question=question) != 1:
            raise self._refused()
        self._known["left_at"] = values.get("next_step")

    def _is_driven(self) -> bool:
        question = self._writes.is_driven
        return self._session.run(question, self._known, question=question) == 1

    def _refused(self) -> SpineError:
        """Tell why a write touched nothing: the run is somebody else's, or it went back under its driver."""
        if not self._is_driven():
            return lease_lost(self._lease, "nothing was written")
        return StoreWentBack(
            f"run {self._lease.run_id!r} is not where this process left it in {describe(self._url)}: a step that was "
            "saved is gone. The database was restored from a backup, or a standby took over that lacked the step; "
            "nothing was written. A resume runs again what is missing"
        )
