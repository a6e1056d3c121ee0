"""How deep and how large a document may be."""

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the codec refuses: more than `max_depth` nested levels, more than `max_bytes` of JSON."""

    max_depth: int = 100
    max_bytes: int = 16 * MEBIBYTE


DEFAULT_LIMITS = Limits()
