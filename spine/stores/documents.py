"""Records to documents and back: the one door to what is stored."""

import platform
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import orjson

from spine import __version__, clock
from spine.codec import json as codec
from spine.codec.limits import DEFAULT_LIMITS, Limits
from spine.errors import SnapshotCorrupt, SnapshotTooNew
from spine.records.checkpoint import SCHEMA_VERSION, NewCheckpoint
from spine.records.context import WorkflowContext
from spine.records.event import EventKind
from spine.records.quality import Measured
from spine.records.renaming import Renamed, rename, rename_keys, rename_skipped
from spine.records.resume_point import ResumePoint
from spine.records.run import Definition, Removal, RunStatus, StepDefinition
from spine.records.values import Values

PYTHON_VERSION = platform.python_version()
_DETAILS = Limits(max_depth=124, max_bytes=2**31)

T = TypeVar("T")
V = TypeVar("V", bound=Values)


def write_snapshot(checkpoint: NewCheckpoint, *, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Write the context of a checkpoint; raise `NotStorable` if it is over the limit."""
    return _write_context(checkpoint.context, checkpoint.step_name, limits)


def _write_context(context: WorkflowContext, step_name: str, limits: Limits) -> bytes:
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "run_id": context.run_id,
        "workflow_name": context.workflow_name,
        "step_name": step_name,
        "params": _join(context.params),
        "outputs": _join(context.outputs),
        "quality_metrics": _join(context.quality_metrics),
        "partition": _join(context.partition),
        "metadata": {
            "created_at": clock.now().isoformat().replace("+00:00", "Z"),
            "python_version": PYTHON_VERSION,
            "spine_version": __version__,
        },
    }
    if context.defaulted:
        document["defaulted"] = sorted(context.defaulted)
    text = orjson.dumps(document)
    codec.refuse_larger(text, at=f"the snapshot after step {step_name!r}", limits=limits)
    return text


def read_snapshot(
    text: bytes | str, *, run_id: str, workflow_name: str, step_name: str
) -> tuple[WorkflowContext, dict[str, Any]]:
    """Read a snapshot as a context and as a plain document.

    Raise `SnapshotCorrupt` if it is damaged or is not that of this run and step, `SnapshotTooNew` for a newer format.
    """
    document = _read_snapshot(text, run_id, workflow_name, step_name)
    context = _guarded(_where(run_id, step_name), lambda: _context(document))
    return context, {
        "schema_version": SCHEMA_VERSION,
        "run_id": run_id,
        "workflow_name": workflow_name,
        "step_name": step_name,
        "params": dict(context.params),
        "outputs": dict(context.outputs),
        "quality_metrics": {step: metrics.as_dict() for step, metrics in context.quality_metrics.items()},
        "partition": dict(context.partition),
        "metadata": document.get("metadata", {}),
    }


def _read_snapshot(text: bytes | str, run_id: str, workflow_name: str, step_name: str) -> dict[str, Any]:
    """Parse a snapshot and see that it is of a format we know, and of this run and step."""
    where = _where(run_id, step_name)
    identity = {"run_id": run_id, "workflow_name": workflow_name, "step_name": step_name}
    return _judged(_read_object(text, where), where, identity)


def _judged(document: dict[str, Any], where: str, identity: Mapping[str, str]) -> dict[str, Any]:
    version = document.get("schema_version")
    if type(version) is int and version > SCHEMA_VERSION:
        raise SnapshotTooNew(
            f"{where} has format {version}, and this program knows formats up to {SCHEMA_VERSION}; "
            "resume it with the version of Spine that wrote it, or a newer one"
        )
    for name, value in {"schema_version": SCHEMA_VERSION, **identity}.items():
        if document.get(name) != value:
            raise SnapshotCorrupt(
                f"{where} is damaged: its {name} is {document.get(name)!r}, not {value!r}; nothing was run. "
                "Start from an earlier step to replace it."
            )
    return document


def _where(run_id: str, step_name: str) -> str:
    return f"the checkpoint of step {step_name!r} in run {run_id!r}"


def rename_snapshot(text: bytes | str, renamed: Renamed, *, run_id: str, workflow_name: str, step_name: str) -> bytes:
    """Write a snapshot again with these steps under their new names; raise as `read_snapshot` does."""
    document = _read_snapshot(text, run_id, workflow_name, step_name)

    def rename_entries(by_step: Any) -> orjson.Fragment:
        return orjson.Fragment(codec.join(rename_keys(codec.split(by_step), renamed).items()))

    def write() -> bytes:
        moved = {name: rename_entries(document[name]) for name in ("outputs", "quality_metrics")}
        return orjson.dumps({**document, "step_name": rename(step_name, renamed), **moved})

    return _guarded(_where(run_id, step_name), write)


def _context(document: dict[str, Any]) -> WorkflowContext:
    return WorkflowContext(
        run_id=document["run_id"],
        workflow_name=document["workflow_name"],
        params=_checked(Values(codec.split(document["params"]))),
        outputs=_checked(Values(codec.split(document["outputs"]))),
        quality_metrics=_checked(Measured(codec.split(document["quality_metrics"]))),
        partition=_checked(Values(codec.split(document["partition"]))),
        defaulted=frozenset(document.get("defaulted", ())),
    )


def _checked(values: V) -> V:
    """Decode what a damaged tag could hide in, so that damage shows before anything runs."""
    fresh = values.fresh()
    for name, text in values.encoded.items():
        if b'"$' in text or type(values) is Measured:
            fresh[name]
    return values


def write_values(values: Mapping[str, Any]) -> str:
    """Write params or a partition."""
    return codec.join(_encoded(values)).decode()


def read_values(text: str, *, where: str) -> Values:
    """Read params or a partition; raise `SnapshotCorrupt` if damaged."""
    return _guarded(where, lambda: _checked(Values(codec.split(orjson.loads(text)))))


def write_metadata(metadata: Mapping[str, Any]) -> str:
    """Write the metadata of a checkpoint; raise `NotStorable` for what cannot be kept."""
    return codec.encode(dict(metadata), at="metadata").decode()


def read_metadata(text: str, *, where: str) -> Mapping[str, Any]:
    """Read the metadata of a checkpoint."""
    metadata = _guarded(where, lambda: dict(codec.decode(text)))
    _guarded(where, lambda: _names(metadata.get("skipped", [])))
    return metadata


def read_sequence(found: Any, *, where: str) -> int:
    """Read the sequence of a checkpoint; SQLite would hold anything."""
    if type(found) is not int:
        raise SnapshotCorrupt(f"{where} is damaged: its sequence is {found!r:.40}; nothing was run")
    return found


def _names(found: Any) -> list[str]:
    """See that these are step names."""
    if type(found) is not list or not all(type(name) is str for name in found):
        raise ValueError("step names must be a list of texts")
    return found


def rename_rows(rows: Mapping[str, T], renamed: Renamed, *, run_id: str) -> dict[str, T]:
    """Give the rows of a run, by step, under the new names; raise `SnapshotCorrupt` if two would have one name."""
    return _guarded(f"the list of checkpoints of run {run_id!r}", lambda: rename_keys(rows, renamed))


def rename_metadata(text: str, renamed: Renamed, *, where: str) -> str:
    """Write the metadata of a checkpoint again with these steps under their new names."""
    metadata = read_metadata(text, where=where)
    return _guarded(where, lambda: write_metadata(rename_skipped(metadata, renamed)))


def write_details(details: Mapping[str, Any]) -> str:
    """Write what an event tells; raise `NotStorable` for what cannot be kept.

    What it tells was held to the limits of its runner when it came, and lies a little deeper here.
    """
    return codec.encode(dict(details), at="details", limits=_DETAILS).decode()


def read_details(text: str, *, where: str) -> Mapping[str, Any]:
    """Read what an event tells."""
    return _guarded(where, lambda: dict(codec.decode(text)))


def read_event_kind(text: str, *, where: str) -> EventKind:
    """Read what an event says happened."""
    return _guarded(where, lambda: EventKind(text))


def write_definition(definition: Definition) -> str:
    """Write what the run remembers of its workflow."""
    steps = [{"name": step.name, "kind": step.kind} for step in definition.steps]
    document: dict[str, Any] = {"steps": steps, "source": definition.source}
    if definition.defaulted:
        document["defaulted"] = sorted(definition.defaulted)
    return orjson.dumps(document).decode()


def read_definition(text: str, *, where: str) -> Definition:
    """Read what the run remembers of its workflow."""
    document = _read_object(text, where)
    return _guarded(
        where,
        lambda: Definition(
            steps=tuple(
                StepDefinition(name=name, kind=step["kind"])
                for name, step in zip(
                    _names([step["name"] for step in document["steps"]]), document["steps"], strict=True
                )
            ),
            source=document.get("source", ""),
            defaulted=frozenset(document.get("defaulted", ())),
        ),
    )


def read_status(text: str, *, where: str) -> RunStatus:
    """Read the status of a run."""
    return _guarded(where, lambda: RunStatus(text))


def read_removal(text: str | None, *, where: str) -> Removal | None:
    """Read why the checkpoints of a run are gone."""
    return None if text is None else _guarded(where, lambda: Removal(text))


def write_resume_point(point: ResumePoint | None, *, limits: Limits = DEFAULT_LIMITS) -> str | None:
    """Write what a claim was told; raise `NotStorable` for a context over the limit."""
    if point is None:
        return None
    document: dict[str, Any] = {
        "step": point.step,
        "params": _join(point.params),
        "skipped": list(point.skipped),
    }
    if point.context is not None:
        document["context"] = orjson.Fragment(_write_context(point.context, point.step, limits))
    return orjson.dumps(document).decode()


def read_resume_point(text: str | None, *, run_id: str, workflow_name: str) -> ResumePoint | None:
    """Read what a claim was told; raise as `read_snapshot` does for a context of another run or a newer format."""
    where = f"the resume point of run {run_id!r}"
    if text is None:
        return None
    document = _read_object(text, where)
    context = document.get("context")
    identity = {"run_id": run_id, "workflow_name": workflow_name, "step_name": document.get("step", "")}
    return _guarded(
        where,
        lambda: ResumePoint(
            step=document["step"],
            params=_checked(Values(codec.split(document["params"]))),
            skipped=tuple(_names(document["skipped"])),
            context=None if context is None else _context(_judged(context, where, identity)),
        ),
    )


def _join(values: Mapping[str, Any]) -> orjson.Fragment:
    return orjson.Fragment(codec.join(_encoded(values)))


def _encoded(values: Mapping[str, Any]) -> Iterable[tuple[str, bytes]]:
    return Values.of(values, at="values").encoded.items()


def _read_object(text: bytes | str, where: str) -> dict[str, Any]:
    document = _guarded(where, lambda: orjson.loads(text))
    if type(document) is not dict:
        raise SnapshotCorrupt(f"{where} is damaged: it is not an object; nothing was run")
    return document


def _guarded(where: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SnapshotCorrupt(f"{where} is damaged: {error!r}; nothing was run and nothing deleted") from error
