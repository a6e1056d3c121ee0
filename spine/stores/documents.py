"""Records to documents and back: the one door to what is stored, with `snapshots.py` for contexts."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import orjson

from spine.codec import json as codec
from spine.codec.limits import WIDE_LIMITS
from spine.errors import SnapshotCorrupt
from spine.records.event import EventKind
from spine.records.override import Override
from spine.records.renaming import Renamed, rename_keys, rename_skipped
from spine.records.resume_point import ResumePoint
from spine.records.run import Definition, Removal, RunStatus, StepDefinition
from spine.records.values import Values
from spine.stores.damage import checked, guarded, judged, names, read_object, texts
from spine.stores.snapshots import read_context, write_context

_TEXTS = ("error", "error_type", "traceback")  # of the details of an event

T = TypeVar("T")


def write_values(values: Mapping[str, Any]) -> str:
    """Write params or a partition."""
    return Values.of(values, at="values").encoded.text.decode()


def read_values(text: str, *, where: str) -> Values:
    """Read params or a partition; raise `SnapshotCorrupt` if damaged."""
    return guarded(where, lambda: checked(Values(codec.split(codec.loads(text)))))


def write_metadata(metadata: Mapping[str, Any], performed: Mapping[str, Any] | None = None) -> str:
    """Write the metadata of a checkpoint; raise `NotStorable` for what cannot be kept."""
    own = orjson.dumps(performed or {})
    if not metadata:
        return own.decode()
    return codec.encode({**metadata, **codec.loads(own)}, at="metadata", limits=WIDE_LIMITS).decode()


def read_metadata(text: str, *, where: str) -> Mapping[str, Any]:
    """Read the metadata of a checkpoint."""
    metadata = guarded(where, lambda: dict(codec.decode(text)))
    guarded(where, lambda: names(metadata.get("skipped", [])))
    return metadata


def read_sequence(found: Any, *, where: str) -> int:
    """Read the sequence of a checkpoint; SQLite would hold anything."""
    if type(found) is not int:
        raise SnapshotCorrupt(f"{where} is damaged: its sequence is {found!r:.40}; nothing was run")
    return found


def rename_rows(rows: Mapping[str, T], renamed: Renamed, *, run_id: str) -> dict[str, T]:
    """Give the rows of a run, by step, under the new names; raise `SnapshotCorrupt` if two would have one name."""
    return guarded(f"the list of checkpoints of run {run_id!r}", lambda: rename_keys(rows, renamed))


def rename_metadata(text: str, renamed: Renamed, *, where: str) -> str:
    """Write the metadata of a checkpoint again with these steps under their new names."""
    metadata = read_metadata(text, where=where)
    return guarded(where, lambda: write_metadata(rename_skipped(metadata, renamed)))


def write_details(details: Mapping[str, Any]) -> str:
    """Write what an event tells, where it lies a little deeper; raise `NotStorable` for what cannot be kept."""
    return codec.encode(dict(details), at="details", limits=WIDE_LIMITS).decode()


def read_details(text: str, *, where: str) -> Mapping[str, Any]:
    """Read what an event tells."""
    details = guarded(where, lambda: dict(codec.decode(text)))
    guarded(where, lambda: names(details.get("skipped", [])))
    guarded(where, lambda: texts([details[name] for name in _TEXTS if details.get(name) is not None], "errors"))
    return details


def read_event_kind(text: str, *, where: str) -> EventKind:
    """Read what an event says happened."""
    return guarded(where, lambda: EventKind(text))


def write_definition(definition: Definition) -> str:
    """Write what the run remembers of its workflow."""
    steps = [{"name": step.name, "kind": step.kind} for step in definition.steps]
    document: dict[str, Any] = {"steps": steps, "source": definition.source}
    if definition.defaulted:
        document["defaulted"] = sorted(definition.defaulted)
    if definition.first_names:
        document["first_names"] = dict(definition.first_names)
    if definition.unsaved is not None:
        document["unsaved"] = sorted(definition.unsaved)
    if definition.begun:
        document["begun"] = sorted(definition.begun)
    return orjson.dumps(document).decode()


def read_definition(text: str | None, *, where: str) -> Definition:
    """Read what the run remembers of its workflow; raise `SnapshotCorrupt` if it is damaged or gone."""
    if text is None:
        raise SnapshotCorrupt(f"{where} is damaged: it has no definition; nothing was run")
    document = read_object(text, where)
    return guarded(
        where,
        lambda: Definition(
            steps=tuple(
                StepDefinition(name=step_name, kind=step["kind"])
                for step_name, step in zip(
                    names([step["name"] for step in document["steps"]]), document["steps"], strict=True
                )
            ),
            source=document.get("source", ""),
            defaulted=frozenset(document.get("defaulted", ())),
            first_names=_read_first_names(document.get("first_names", {})),
            unsaved=None if "unsaved" not in document else frozenset(names(document["unsaved"])),
            begun=frozenset(names(document.get("begun", []))),
        ),
    )


def _read_first_names(found: Any) -> dict[str, str]:
    if type(found) is not dict:
        raise ValueError("not an object")
    return dict(zip(names(list(found)), names(list(found.values())), strict=True))


def read_status(text: str, *, where: str) -> RunStatus:
    """Read the status of a run."""
    return guarded(where, lambda: RunStatus(text))


def read_removal(text: str | None, *, where: str) -> Removal | None:
    """Read why the checkpoints of a run are gone."""
    return None if text is None else guarded(where, lambda: Removal(text))


def write_resume_point(point: ResumePoint | None) -> str | None:
    """Write what a claim was told."""
    if point is None:
        return None
    document: dict[str, Any] = {
        "step": point.step,
        "params": orjson.Fragment(write_values(point.params)),
        "skipped": list(point.skipped),
    }
    if point.context is not None:
        document["context"] = orjson.Fragment(write_context(point.context, point.step))
    return orjson.dumps(document).decode()


def read_resume_point(text: str | None, *, run_id: str, workflow_name: str) -> ResumePoint | None:
    """Read what a claim was told; raise as `read_snapshot` does for a context of another run or a newer format."""
    where = f"the resume point of run {run_id!r}"
    if text is None:
        return None
    document = read_object(text, where)
    context = document.get("context")
    identity = {"run_id": run_id, "workflow_name": workflow_name, "step_name": document.get("step", "")}
    return guarded(
        where,
        lambda: ResumePoint(
            step=names([document["step"]])[0],
            params=checked(Values(codec.split(document["params"]))),
            skipped=tuple(names(document["skipped"])),
            context=None if context is None else read_context(judged(context, where, identity)),
        ),
    )


def write_overrides(overrides: Sequence[Override]) -> str | None:
    """Write what claims said of the params."""
    if not overrides:
        return None
    return orjson.dumps([_override(override) for override in overrides]).decode()


def _override(override: Override) -> dict[str, Any]:
    document = {
        "after": override.after,
        "step": override.step,
        "params": orjson.Fragment(write_values(override.params)),
    }
    if override.context is None:
        return document
    return {**document, "context": orjson.Fragment(write_context(override.context, override.step))}


def read_overrides(text: str | None, *, run_id: str, workflow_name: str) -> tuple[Override, ...]:
    """Read what claims said of the params; raise as `read_snapshot` does."""
    where = f"the list of overrides of run {run_id!r}"

    def read(document: dict[str, Any]) -> Override:
        context = document.get("context")
        identity = {"run_id": run_id, "workflow_name": workflow_name, "step_name": document["step"]}
        return Override(
            after=read_sequence(document["after"], where=where),
            step=names([document["step"]])[0],
            params=checked(Values(codec.split(document["params"]))),
            context=None if context is None else read_context(judged(context, where, identity)),
        )

    return () if text is None else guarded(where, lambda: tuple(read(each) for each in codec.loads(text)))
