"""Tells, without copying anything, the values that JSON and JSONB keep as they are: nearly all that steps give."""

from collections.abc import Iterable
from typing import Any

from spine.codec import tags
from spine.codec.limits import Limits

_LEAST, _MOST = -tags.LARGEST_PLAIN_INT - 1, tags.LARGEST_PLAIN_INT


def orders_if_plain(value: Any, limits: Limits) -> list[list[str]] | None:
    """Give the orders of keys that JSONB would not keep; None for a value that must be looked at more closely.

    That is one with anything to tag, to escape or to refuse: the encoder does it, and finds the words for it.
    """
    if type(value) is not dict and type(value) is not list:
        return [] if _is_plain(value) else None
    budget = limits.max_bytes
    ordered: list[dict[str, Any]] = []
    unordered: dict[frozenset[str], list[str]] = {}
    unvisited: list[tuple[Any, int]] = [(value, 1)]
    while unvisited:
        collection, depth = unvisited.pop()
        nested, size = _collections_in(collection.values() if type(collection) is dict else collection)
        budget -= len(collection) + size
        if depth > limits.max_depth or budget < 0 or nested is None:
            return None
        if type(collection) is dict:
            in_order = _keys_in_order(collection)
            if in_order:
                ordered.append(collection)
            elif in_order is None or unordered.setdefault(frozenset(collection), list(collection)) != list(collection):
                return None
        unvisited += [(each, depth + 1) for each in nested]
    ambiguous = unordered and (type(value) is list or any(frozenset(keys) in unordered for keys in ordered))
    return None if ambiguous else list(unordered.values())


def _collections_in(items: Iterable[Any]) -> tuple[list[Any] | None, int]:
    """Give the dicts and lists among these (None if one of the others is not plain), and how long the texts are."""
    found, size = [], 0
    for item in items:
        kind = type(item)
        if kind is dict or kind is list:
            found.append(item)
        elif not _is_plain(item):
            return None, size
        elif kind is str:
            size += len(item)
    return found, size


def _keys_in_order(collection: dict[Any, Any]) -> bool | None:
    """Tell whether JSONB would keep the order of these keys; None if one is not plain."""
    longest, last, in_order = -1, "", True
    for key in collection:
        if type(key) is not str or not key.isascii() or "\0" in key or key[:1] == "$":
            return None
        length = len(key)
        if length <= longest and (length < longest or key <= last):
            in_order = False
        longest, last = length, key
    return in_order


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is str:
        return "\0" not in value if value.isascii() else tags.is_plain_text(value)
    if kind is int:
        return bool(_LEAST <= value <= _MOST)
    return value is None or kind is bool or (kind is float and tags.is_plain_float(value))
