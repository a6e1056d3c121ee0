"""Snapshots: contexts as documents, each whole or as what its step changed.

A small context is written whole with every checkpoint, so that a person can read any row. A larger one is written as
a change: the entries of `outputs` and `quality_metrics` that are new or differ from those of the run's newest
checkpoint, which it builds on, and `params` and `partition` if they differ. The context of a row is the fold of the
rows from the last whole one; each output is written once.
"""

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import orjson

from spine import __version__, clock
from spine.codec import json as codec
from spine.codec.limits import Limits
from spine.errors import NotStorable, SnapshotCorrupt
from spine.records.checkpoint import SCHEMA_VERSION, NewCheckpoint
from spine.records.context import WorkflowContext
from spine.records.entries import Entries
from spine.records.quality import Measured
from spine.records.renaming import Renamed, rename, rename_keys
from spine.records.values import Values
from spine.stores.damage import checked, guarded, judged, read_object

PYTHON_VERSION = sys.version.split(maxsplit=1)[0]
WHOLE_BYTES = 1024  # measured: a whole one of 2 KB makes a step a tenth slower than a change does
_ENVELOPE_BYTES = 300
_REPLACE = "nothing was run. Start from that step, or an earlier one, to replace it."
_Entries = tuple[Entries, Entries, Entries, Entries]  # of the four parts of a context
_PARTS = ("params", "outputs", "quality_metrics", "partition")
_BY_STEP = ("outputs", "quality_metrics")
_AT_ONCE = ("params", "partition")


class Snapshot(NamedTuple):
    """A snapshot as its row keeps it; `base_sequence` is that of the row it builds on, None if it is whole."""

    step_name: str
    sequence: int
    base_sequence: int | None
    text: bytes | str


def write_snapshot(new: NewCheckpoint, *, limits: Limits) -> tuple[bytes, int | None]:
    """Write the context of a checkpoint, whole or as a change, and tell which sequence it builds on.

    Raise `NotStorable` if the whole context is over the limit.
    """
    context, base = new.context, new.base
    entries = context.entries
    size = _size(entries)
    if size > limits.max_bytes:
        raise NotStorable(f"the snapshot after step {new.step_name!r}", codec.too_large(limits))
    if base is not None and size > WHOLE_BYTES:
        change = _change(entries, base.context.entries)
        if change is not None:
            return _write(context, new.step_name, change), base.sequence
    return _write(context, new.step_name, _whole(entries)), None


def write_context(context: WorkflowContext, step_name: str) -> bytes:
    """Write a whole context that was given for this step; whoever gave it was told if it is too large."""
    return _write(context, step_name, _whole(context.entries))


def read_snapshot(
    rows: Sequence[Snapshot], *, run_id: str, workflow_name: str
) -> tuple[WorkflowContext, dict[str, Any]]:
    """Read the last of these rows, which begin with the whole one it builds on, as a context and a plain document.

    Raise `SnapshotCorrupt` if one is damaged, missing, or not that of this run, `SnapshotTooNew` for a newer format.
    """
    _require_chain(rows, run_id)
    documents = (_read(row, run_id, workflow_name) for row in rows)  # one at a time, for there may be many
    step_name = rows[-1].step_name
    where = _where(run_id, step_name)
    context, last = guarded(where, lambda: _folded(documents, run_id, workflow_name))
    return context, {
        "schema_version": SCHEMA_VERSION,
        "run_id": run_id,
        "workflow_name": workflow_name,
        "step_name": step_name,
        "params": dict(context.params),
        "outputs": dict(context.outputs),
        "quality_metrics": {step: metrics.as_dict() for step, metrics in context.quality_metrics.items()},
        "partition": dict(context.partition),
        "metadata": last.get("metadata", {}),
    }


def read_context(document: dict[str, Any]) -> WorkflowContext:
    """Read a whole document that has been judged."""
    return _folded([document], document["run_id"], document["workflow_name"])[0]


def rename_snapshot(row: Snapshot, renamed: Renamed, *, run_id: str, workflow_name: str) -> bytes:
    """Write a snapshot again with these steps under their new names; raise as `read_snapshot` does."""
    document = _read(row, run_id, workflow_name)

    def rename_entries(by_step: Any) -> orjson.Fragment:
        return orjson.Fragment(codec.join(rename_keys(codec.split(by_step), renamed)))

    def write() -> bytes:
        moved = {name: rename_entries(document[name]) for name in _BY_STEP if name in document}
        return orjson.dumps({**document, "step_name": rename(row.step_name, renamed), **moved})

    return guarded(_where(run_id, row.step_name), write)


def without(rows: Sequence[Snapshot], removed: Collection[str], *, run_id: str, workflow_name: str) -> list[Snapshot]:
    """Give the rows of a run, in order, without these steps: what they changed is then told by the row after them."""
    kept: list[Snapshot] = []
    for row in reversed(rows):
        if row.step_name not in removed:
            kept.append(row)
        elif kept and kept[-1].base_sequence == row.sequence:
            base = _read(row, run_id, workflow_name)
            change = _read(kept[-1], run_id, workflow_name)
            text = guarded(_where(run_id, row.step_name), partial(_joined, base, change))
            kept[-1] = kept[-1]._replace(base_sequence=row.base_sequence, text=text)
    return kept[::-1]


def _joined(base: dict[str, Any], change: dict[str, Any]) -> bytes:
    """Write one document that says what these two say one after the other."""
    by_step = {
        name: orjson.Fragment(codec.join(codec.split(base.get(name, {})) | codec.split(change.get(name, {}))))
        for name in _BY_STEP
        if name in base or name in change
    }
    base.pop("defaulted", None)
    return orjson.dumps({**base, **change, **by_step})


def _write(context: WorkflowContext, step_name: str, parts: Mapping[str, Any]) -> bytes:
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "run_id": context.run_id,
        "workflow_name": context.workflow_name,
        "step_name": step_name,
        **parts,
        "metadata": {
            "created_at": clock.now(),
            "python_version": PYTHON_VERSION,
            "spine_version": __version__,
        },
    }
    if context.defaulted:
        document["defaulted"] = sorted(context.defaulted)
    return orjson.dumps(document, option=orjson.OPT_UTC_Z)


def _whole(entries: _Entries) -> dict[str, Any]:
    return {name: orjson.Fragment(each.text) for name, each in zip(_PARTS, entries, strict=True)}


def _change(entries: _Entries, base: _Entries) -> dict[str, Any] | None:
    """Give the parts in which a context differs from its base; None if it lacks what that has."""
    params, outputs, metrics, partition = entries
    params_then, outputs_then, metrics_then, partition_then = base
    added = outputs.since(outputs_then)
    measured = {} if metrics is metrics_then else metrics.since(metrics_then)
    if added is None or measured is None:
        return None
    change: dict[str, Any] = {
        "outputs": codec.joined(added),
        "quality_metrics": codec.joined(measured) if measured else {},
    }
    if params is not params_then and _differ(params, params_then):
        change["params"] = orjson.Fragment(params.text)
    if partition is not partition_then and _differ(partition, partition_then):
        change["partition"] = orjson.Fragment(partition.text)
    return change


def _differ(now: Entries, then: Entries) -> bool:
    return list(now.items()) != list(then.items())


def require_room(context: WorkflowContext, limits: Limits) -> None:
    """Raise `NotStorable` for a context that no checkpoint could keep, before a step is performed with it."""
    if _size(context.entries) > limits.max_bytes:
        raise NotStorable("the context", codec.too_large(limits))


def _size(entries: _Entries) -> int:
    params, outputs, metrics, partition = entries
    return _ENVELOPE_BYTES + params.size + outputs.size + metrics.size + partition.size


def _require_chain(rows: Sequence[Snapshot], run_id: str) -> None:
    """See that each row builds on the one before it, and the first on none."""
    expected = None
    for row in rows:
        if row.base_sequence != expected:
            raise SnapshotCorrupt(
                f"{_where(run_id, row.step_name)} builds on an earlier one, and one of those is missing; {_REPLACE}"
            )
        expected = row.sequence


def _read(row: Snapshot, run_id: str, workflow_name: str) -> dict[str, Any]:
    where = _where(run_id, row.step_name)
    identity = {"run_id": run_id, "workflow_name": workflow_name, "step_name": row.step_name}
    return judged(read_object(row.text, where), where, identity, remedy=_REPLACE)


def _where(run_id: str, step_name: str) -> str:
    return f"the checkpoint of step {step_name!r} in run {run_id!r}"


def _folded(
    documents: Iterable[dict[str, Any]], run_id: str, workflow_name: str
) -> tuple[WorkflowContext, dict[str, Any]]:
    """Fold documents and give the last one too: entries by step add up, of `params` and `partition` the last counts."""
    by_step: dict[str, dict[str, bytes]] = {name: {} for name in _BY_STEP}
    at_once: dict[str, dict[str, bytes]] = {}
    document: dict[str, Any] = {}
    for document in documents:
        for name in _BY_STEP:
            by_step[name].update(codec.split(document[name]))
        at_once |= {name: codec.split(document[name]) for name in _AT_ONCE if name in document}
    context = WorkflowContext(
        run_id=run_id,
        workflow_name=workflow_name,
        params=checked(Values(at_once["params"])),
        outputs=checked(Values(by_step["outputs"])),
        quality_metrics=checked(Measured(by_step["quality_metrics"])),
        partition=checked(Values(at_once["partition"])),
        defaulted=frozenset(document.get("defaulted", ())),
    )
    return context, document
