"""Steps under new names: what a run knows reads as if they had always been called so.

A renaming maps old names to new ones, all at the same moment, so that two steps may take each other's name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from spine.records.context import WorkflowContext
from spine.records.quality import Measured
from spine.records.values import Values

V = TypeVar("V")

Renamed = Mapping[str, str]


def rename(name: str, renamed: Renamed) -> str:
    """Give a step's new name, its own if it keeps it."""
    return renamed.get(name, name)


def rename_each(names: Iterable[str], renamed: Renamed) -> tuple[str, ...]:
    """Give the new names of steps, in the same order."""
    return tuple(rename(name, renamed) for name in names)


def rename_keys(entries: Mapping[str, V], renamed: Renamed) -> dict[str, V]:
    """Give entries by step under the new names, in the same order; raise ValueError if two steps get one name."""
    moved: dict[str, V] = {}
    for name, entry in entries.items():
        new = rename(name, renamed)
        if new in moved:
            raise ValueError(f"two steps would be called {new!r}")
        moved[new] = entry
    return moved


def rename_skipped(metadata: Mapping[str, Any], renamed: Renamed) -> Mapping[str, Any]:
    """Give the metadata of a checkpoint with the steps it tells as skipped under their new names."""
    if "skipped" not in metadata:
        return metadata
    return {**metadata, "skipped": list(rename_each(metadata["skipped"], renamed))}


def rename_context(context: WorkflowContext, renamed: Renamed) -> WorkflowContext:
    """Give a context whose outputs and quality metrics are under the new names; raise as `rename_keys` does."""
    outputs = Values.of(context.outputs, at="outputs").encoded
    metrics = Values.of(context.quality_metrics, at="quality_metrics").encoded
    return replace(
        context,
        outputs=Values(rename_keys(outputs, renamed)),
        quality_metrics=Measured(rename_keys(metrics, renamed)),
    )
