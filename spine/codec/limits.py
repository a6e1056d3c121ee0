"""How deep and how large a document may be."""

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the codec refuses: more than `max_depth` nested levels, more than `max_bytes` of JSON."""

    max_depth: int = 100
    max_bytes: int = 16 * MEBIBYTE


DEFAULT_LIMITS = Limits()
WIDE_LIMITS = Limits(max_depth=124, max_bytes=2**31)  # for what was held to the limits of its runner already
