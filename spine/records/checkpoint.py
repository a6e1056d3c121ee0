"""`Checkpoint`: the record that a step is done, with what the run knew then."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from spine.records.context import WorkflowContext

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSummary:
    """A checkpoint without its snapshot: what a list shows.

    `sequence` grows by one with every checkpoint written in the run; `next_step` is where a resume goes on (None: the
    run is at its end); `metadata` holds the step's own and `attempt`, `outcome`, `reason`, `started_at`, `duration`
    (seconds), `skipped`, `python_version`, `spine_version`. `size` is that of the stored snapshot in bytes; where that
    holds only what the step changed, `base_sequence` names the checkpoint it builds on.
    """

    run_id: str
    workflow_name: str
    step_name: str
    sequence: int
    next_step: str | None
    metadata: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime
    size: int
    base_sequence: int | None = None

    @property
    def skipped(self) -> tuple[str, ...]:
        """The steps that were skipped since the checkpoint before this one, this step included if it was."""
        return tuple(self.metadata.get("skipped", ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint(CheckpointSummary):
    """A checkpoint with the context it saved; `context_snapshot` is that context as a document."""

    context: WorkflowContext
    context_snapshot: Mapping[str, Any]

    @property
    def step_outputs(self) -> Mapping[str, Any]:
        """The outputs of all steps completed by then, by step name."""
        return self.context.outputs


class Base(NamedTuple):
    """The newest checkpoint of a run: what its next one may build on."""

    sequence: int
    context: WorkflowContext


class NewCheckpoint(NamedTuple):
    """A checkpoint before it is written: the database adds the times.

    `metadata` is what the step gave; `performed` is what Spine notes beside it of the step's performance, plain JSON.
    Without a `base` its context is stored whole. The base is the newest checkpoint of the run, and of an earlier step
    in its list, so that it is never removed or written over as long as this one stays.
    """

    run_id: str
    step_name: str
    sequence: int
    next_step: str | None
    metadata: Mapping[str, Any]
    context: WorkflowContext
    base: Base | None = None
    performed: Mapping[str, Any] = MappingProxyType({})
