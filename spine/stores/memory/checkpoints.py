"""`Row`: a checkpoint as a database would keep it, its snapshot and its metadata written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from spine.records.checkpoint import Checkpoint, CheckpointSummary, NewCheckpoint
from spine.records.renaming import Renamed, rename
from spine.stores import documents, snapshots
from spine.stores.snapshots import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A checkpoint as a database would keep it."""

    new: NewCheckpoint
    snapshot: Snapshot
    metadata: str
    created_at: datetime
    updated_at: datetime

    def renamed(self, renamed: Renamed) -> "Row":
        """Give the row with these steps under their new names."""
        new, next_step = self.new, self.new.next_step
        return replace(
            self,
            new=new._replace(
                step_name=rename(new.step_name, renamed),
                next_step=next_step and rename(next_step, renamed),
            ),
            snapshot=self.snapshot._replace(
                step_name=rename(new.step_name, renamed),
                text=snapshots.rename_snapshot(
                    self.snapshot, renamed, run_id=new.run_id, workflow_name=new.context.workflow_name
                ),
            ),
            metadata=documents.rename_metadata(self.metadata, renamed, where="metadata"),
        )

    def summary(self) -> CheckpointSummary:
        """Read it without its snapshot."""
        return CheckpointSummary(
            run_id=self.new.run_id,
            workflow_name=self.new.context.workflow_name,
            step_name=self.new.step_name,
            sequence=self.new.sequence,
            next_step=self.new.next_step,
            metadata=documents.read_metadata(self.metadata, where="metadata"),
            created_at=self.created_at,
            updated_at=self.updated_at,
            size=len(self.snapshot.text),
            base_sequence=self.snapshot.base_sequence,
        )

    def checkpoint(self, chain: Sequence[Snapshot]) -> Checkpoint:
        """Read it with its context; the chain ends with its own snapshot."""
        summary = self.summary()
        context, snapshot = snapshots.read_snapshot(chain, run_id=summary.run_id, workflow_name=summary.workflow_name)
        fields = {name: getattr(summary, name) for name in CheckpointSummary.__dataclass_fields__}
        return Checkpoint(**fields, context=context, context_snapshot=snapshot)


def read_last(rows: Sequence[Row]) -> Checkpoint:
    """Read the last of a run's rows, with those it builds on."""
    whole = max(place for place, row in enumerate(rows) if row.snapshot.base_sequence is None)
    return rows[-1].checkpoint([row.snapshot for row in rows[whole:]])
