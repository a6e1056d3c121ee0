"""What is read is judged first: damage becomes `SnapshotCorrupt` before anything runs."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from spine.codec import json as codec
from spine.errors import SnapshotCorrupt, SnapshotTooNew
from spine.records.checkpoint import SCHEMA_VERSION
from spine.records.quality import Measured
from spine.records.values import Values

T = TypeVar("T")
V = TypeVar("V", bound=Values)


def guarded(where: str, read: Callable[[], T]) -> T:
    """Read something stored; what goes wrong means that it is damaged."""
    try:
        return read()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SnapshotCorrupt(f"{where} is damaged: {_told(error)}; nothing was run and nothing deleted") from error


def _told(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error) or type(error).__name__


def read_object(text: bytes | str, where: str) -> dict[str, Any]:
    """Parse a document that must be an object."""
    document = guarded(where, lambda: codec.loads(text))
    if type(document) is not dict:
        raise SnapshotCorrupt(f"{where} is damaged: it is not an object; nothing was run")
    return document


def judged(
    document: dict[str, Any], where: str, identity: Mapping[str, str], *, remedy: str = "nothing was run"
) -> dict[str, Any]:
    """See that a document is of a format we know, and of the run and step that its row names."""
    version = document.get("schema_version")
    if type(version) is int and version > SCHEMA_VERSION:
        raise SnapshotTooNew(
            f"{where} has format {version}, and this program knows formats up to {SCHEMA_VERSION}; "
            "resume it with the version of Spine that wrote it, or a newer one"
        )
    for name, value in {"schema_version": SCHEMA_VERSION, **identity}.items():
        if document.get(name) != value:
            raise SnapshotCorrupt(f"{where} is damaged: its {name} is {document.get(name)!r}, not {value!r}; {remedy}")
    return document


def names(found: Any) -> list[str]:
    """See that these are step names."""
    return texts(found, "step names")


def texts(found: Any, what: str) -> list[str]:
    """See that these are texts; `what` they are is told if not."""
    if type(found) is not list or not all(type(text) is str for text in found):
        raise ValueError(f"{what} must be a list of texts")
    return found


def checked(values: V) -> V:
    """Decode what a damaged tag could hide in, so that damage shows before anything runs."""
    fresh = values.fresh()
    for name, text in values.encoded.items():
        if b'"$' in text or type(values) is Measured:
            fresh[name]
    return values
