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
    budget = limits.max_bytes
    ordered: list[dict[str, Any]] = []
    unordered: dict[frozenset[str], list[str]] = {}
    unvisited: list[tuple[Any, int]] = [(value if type(value) is dict or type(value) is list else [value], 1)]
    while unvisited:
        collection, depth = unvisited.pop()
        is_object = type(collection) is dict
        nested, size = _collections_in(collection.values() if is_object else collection)
        budget -= len(collection) + size
        if depth > limits.max_depth or budget < 0 or nested is None:
            return None
        if is_object:
            in_order = _keys_in_order(collection)
            if in_order:
                ordered.append(collection)
            elif in_order is None:
                return None
            else:
                keys = list(collection)
                if unordered.setdefault(frozenset(keys), keys) != keys:
                    return None  # one set of keys in two orders, of which `$order` can tell one
        if nested:
            unvisited += [(each, depth + 1) for each in nested]
    if unordered and (type(value) is list or not unordered.keys().isdisjoint(map(frozenset, ordered))):
        return None  # there is no outermost object that could tell an order, or JSONB's own is there too
    return list(unordered.values())


def _collections_in(items: Iterable[Any]) -> tuple[list[Any] | None, int]:
    """Give the dicts and lists among these (None if one of the others is not plain), and how long the texts are."""
    found, size = [], 0
    for item in items:
        kind = type(item)
        if kind is str:
            if "\0" in item or not (item.isascii() or tags.is_plain_text(item)):
                return None, size
            size += len(item)
        elif kind is dict or kind is list:
            found.append(item)
        elif kind is int:
            if not _LEAST <= item <= _MOST:
                return None, size
        elif kind is float:
            if not tags.is_plain_float(item):
                return None, size
        elif item is not None and kind is not bool:
            return None, size
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
