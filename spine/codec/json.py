"""Values to JSON and back: what comes out equals what went in, types and key order included.

Plain JSON stays plain. What JSON or JSONB would change is tagged (`codec/tags.py`), a key that begins with `$`
gets one more, and `$order` in an outermost object lists the orders of keys that JSONB would not keep.
Whatever is left is refused with the path of the value.
"""

import re
from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import Enum
from os import PathLike
from typing import Any

import orjson

from spine.codec import tags
from spine.codec.limits import DEFAULT_LIMITS, Limits
from spine.codec.plain import orders_if_plain
from spine.errors import NotStorable, class_name, said_by_class, with_article

ORDER = "$order"
_SHORT = 64 * 1024
_TAG = rb'"\$[^"\\]*":'
_NO_ROOM = "Not enough memory"
_PLAIN = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS

_COLLECTIONS: dict[type, str | None] = {list: None, **tags.COLLECTIONS}
_Path = Any  # a linked list: (where the parent is, key or index)
_Orders = dict[frozenset[str], list[str]]


def encode(value: Any, *, at: str = "value", limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Write a value as JSON; raise `NotStorable`, with the path below `at`, if it could not come back equal."""
    orders = orders_if_plain(value, limits)
    text = None if orders is None else _dumped({ORDER: orders, **value} if orders else value, at)
    if text is None or (b"$" in text and _has_more_tags(text, 1 if orders else 0)):  # one came after the walk
        text = orjson.dumps(_Encoder(at, limits).document(value))
    if len(text) > limits.max_bytes:
        _Encoder(at, limits).document(value)  # which finds the path, if there is one
        raise NotStorable(at, too_large(limits))
    return _fitted(text)


def _dumped(value: Any, at: str) -> bytes:
    """Write a value that was found to be plain, and may have been changed since."""
    try:
        return orjson.dumps(value, option=_PLAIN)
    except (TypeError, RuntimeError) as error:
        raise NotStorable(at, f"it changed while it was stored: {error}") from error


def _has_more_tags(text: bytes, expected: int) -> bool:
    """Tell whether more keys than these begin with `$`; a value may too, which takes longer to tell."""
    return text.count(b'"$') > expected and len(re.findall(_TAG, text)) > expected


def _fitted(text: bytes) -> bytes:
    """Give JSON that is kept in memory: orjson leaves room behind what is short."""
    return bytes(memoryview(text)) if len(text) < _SHORT else text


def decode(text: bytes | str) -> Any:
    """Read what `encode` wrote; raise ValueError if it is damaged."""
    document = loads(text)
    # One character is looked for many times as fast as two.
    may_be_tagged = b"$" in text and b'"$' in text if isinstance(text, bytes) else "$" in text and '"$' in text
    return _decoded(document) if may_be_tagged else document


def loads(text: bytes | str) -> Any:
    """Parse JSON; raise ValueError if it is none, and `MemoryError`, as orjson does not, if there is no room for it."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if error.msg.startswith(_NO_ROOM):
            raise MemoryError(error.msg) from None
        raise


def join(entries: Mapping[str, bytes]) -> bytes:
    """Write an object whose values are encoded already; `split` gives the entries back in this order."""
    return orjson.dumps(joined(entries))


def joined(entries: Mapping[str, bytes]) -> dict[str, Any]:
    """Give, for orjson to write, an object whose values are encoded already; see `join`."""
    written: dict[str, Any] = {
        f"${name}" if name[:1] == "$" else name: orjson.Fragment(text) for name, text in entries.items()
    }
    if len(written) > 1 and not _is_jsonb_order(list(written)):
        return {ORDER: [list(written)], **written}
    return written


def split(document: Any) -> dict[str, bytes]:
    """Take apart a parsed object that `join` wrote; raise ValueError if it is none."""
    if type(document) is not dict:
        raise ValueError("not an object")
    entries = _reordered(document, _orders_of(document))
    return {_unescaped(name): _fitted(orjson.dumps(entry)) for name, entry in entries.items()}


class _Encoder:
    """One walk over one value, without recursion, so that neither cycles nor depth can hurt."""

    def __init__(self, at: str, limits: Limits) -> None:
        self._at = at
        self._limits = limits
        self._budget = limits.max_bytes
        self._unvisited: list[tuple[Any, Any, Any, _Path, int]] = []
        self._orders: _Orders | None = None
        self._sets: list[list[Any]] = []

    def document(self, value: Any) -> Any:
        self._orders = {} if type(value) is dict else None
        root: list[Any] = [None]
        self._put(value, root, 0, (None, self._at), 1)
        while self._unvisited:
            self._open(*self._unvisited.pop())
        for items in reversed(self._sets):  # the inner ones first
            items.sort(key=orjson.dumps)
        orders = [keys for keys in (self._orders or {}).values() if not _is_jsonb_order(keys)]
        return {ORDER: orders, **root[0]} if orders else root[0]

    def _put(self, value: Any, target: Any, slot: Any, path: _Path, depth: int) -> None:
        """Write a single value into its slot; leave a collection for later."""
        kind = type(value)
        if kind is str:
            self._spend(len(value), path)
            target[slot] = tags.tag_text(value)
        elif value is None or kind is bool:
            target[slot] = value
        elif kind is int:
            target[slot] = tags.tag_int(value)
        elif kind is float:
            target[slot] = tags.tag_float(value)
        elif kind is dict or kind in _COLLECTIONS:
            self._unvisited.append((value, target, slot, path, depth))
        else:
            target[slot] = self._tagged(value, path)

    def _tagged(self, value: Any, path: _Path) -> Any:
        tagger = tags.TAGGERS.get(type(value))
        if tagger is None:
            raise NotStorable(_spelled(path), _why_not(value))
        refuse = tags.REFUSALS.get(type(value))
        if refuse and (reason := refuse(value)):
            raise NotStorable(_spelled(path), reason)
        if type(value) is bytes:
            self._spend(len(value) * 4 // 3, path)
        return tagger(value)

    def _open(self, value: Any, target: Any, slot: Any, path: _Path, depth: int) -> None:
        if depth > self._limits.max_depth:
            raise NotStorable(
                _spelled(path),
                f"nested deeper than {self._limits.max_depth} levels, or a value that contains itself",
            )
        self._spend(2 + len(value), path)
        if type(value) is dict:
            target[slot] = self._object(value, path, depth)
            return
        tag = _COLLECTIONS[type(value)]
        value = list(value)  # as it is now: another thread may still change it
        written: list[Any] = [None] * len(value)
        target[slot] = written if tag is None else {tag: written}
        if tag in ("$set", "$frozenset"):
            self._sets.append(written)
        for index, item in enumerate(value):
            self._put(item, written, index, (path, index), depth + 1)

    def _object(self, value: dict[Any, Any], path: _Path, depth: int) -> dict[str, Any]:
        if all(type(key) is str and tags.is_plain_text(key) for key in value):
            keys = [_escaped(key) for key in value]
            if self._keeps_order(keys):
                written: dict[str, Any] = dict.fromkeys(keys)  # collections come later, and keep their place
                for key, (name, item) in zip(keys, value.items(), strict=True):
                    self._spend(len(key), path)
                    self._put(item, written, key, (path, name), depth + 1)
                return written
        flat: list[Any] = [None] * (2 * len(value))
        for index, (key, item) in enumerate(value.items()):
            self._put(key, flat, 2 * index, (path, key), depth + 1)
            self._put(item, flat, 2 * index + 1, (path, key), depth + 1)
        return {"$dict": flat}

    def _keeps_order(self, keys: list[str]) -> bool:
        """Tell whether these keys come back in this order; the first order of a set of keys is noted."""
        if len(keys) < 2:  # noqa: PLR2004
            return True
        if self._orders is None:
            return _is_jsonb_order(keys)
        return self._orders.setdefault(frozenset(keys), keys) == keys

    def _spend(self, size: int, path: _Path) -> None:
        self._budget -= size
        if self._budget < 0:
            raise NotStorable(_spelled(path), too_large(self._limits))


def _decoded(document: Any) -> Any:
    """Undo tags from the inside out, without recursion."""
    orders = _orders_of(document) if type(document) is dict else {}
    root = [document]
    found: list[tuple[Any, Any]] = []
    unvisited: list[Any] = [root]
    while unvisited:
        parent = unvisited.pop()
        for slot, child in parent.items() if type(parent) is dict else enumerate(parent):
            if type(child) in (dict, list):
                found.append((parent, slot))
                unvisited.append(child)
    for parent, slot in reversed(found):
        if type(parent[slot]) is dict:
            parent[slot] = _untagged(parent[slot], orders)
    return root[0]


def _untagged(document: dict[str, Any], orders: _Orders) -> Any:
    tagged = [key for key in document if key.startswith("$") and not key.startswith("$$")]
    if not tagged:
        return {_unescaped(key): item for key, item in _reordered(document, orders).items()}
    untag = tags.UNTAGGERS.get(tagged[0])
    if untag is None or len(document) > 1:
        raise ValueError(f"unknown tag {tagged[0]!r}")
    try:
        return untag(document[tagged[0]])
    except Exception as error:
        raise ValueError(f"damaged {tagged[0]}: {error}") from error


def _orders_of(document: dict[str, Any]) -> _Orders:
    orders = document.pop(ORDER, [])
    if type(orders) is not list or not all(type(keys) is list and set(map(type, keys)) <= {str} for keys in orders):
        raise ValueError(f"damaged {ORDER}")
    return {frozenset(keys): keys for keys in orders}


def _reordered(document: dict[str, Any], orders: _Orders) -> dict[str, Any]:
    keys = orders.get(frozenset(document)) if orders else None
    return {key: document[key] for key in keys} if keys else document


def _is_jsonb_order(keys: list[str]) -> bool:
    """Tell whether JSONB, which sorts keys by length in bytes and then by bytes, would keep this order."""
    ranks = [(len(text), text) for text in map(str.encode, keys)]
    return ranks == sorted(ranks)


def _escaped(key: str) -> str:
    return f"${key}" if key.startswith("$") else key


def _unescaped(key: str) -> str:
    return key.removeprefix("$")


def _spelled(path: _Path) -> str:
    parts: list[str] = []
    while path[0] is not None:
        path, key = path
        parts.append(_step_of_path(key))
    return str(path[1]) + "".join(reversed(parts))


def _step_of_path(key: Any) -> str:
    if type(key) is str:
        short = key if len(key) <= 60 else f"{key[:57]}..."  # noqa: PLR2004
        return f".{short}" if key.isidentifier() else f"[{short!r}]"
    return f"[{key}]" if type(key) is int else f"[{class_name(type(key))}]"


def too_large(limits: Limits) -> str:
    """Say what to do about a document over the limit."""
    return f"more than {limits.max_bytes:,} bytes of JSON; store the data elsewhere and keep a reference to it"


def _why_not(value: Any) -> str:
    kind = type(value)
    if isinstance(value, Enum):  # first: a str() of one that is text too may be its name
        return f"{with_article(said_by_class(kind, '__qualname__'))} would lose its class; keep its .value"
    what = with_article(
        f"{said_by_class(kind, '__module__')}.{said_by_class(kind, '__qualname__')}".removeprefix("builtins.")
    )
    for plain in (dict, list, tuple, str, int, float):
        if isinstance(value, plain):
            return f"{what} would come back as a plain {plain.__name__}; convert it with {plain.__name__}()"
    if isinstance(value, Mapping):
        return f"{what} would come back as a plain dict; convert it with dict()"
    if isinstance(value, PathLike):
        return f"{what} cannot be stored as JSON; convert it with os.fspath()"
    if is_dataclass(kind):
        return f"{what} cannot be stored as JSON; convert it with dataclasses.asdict()"
    return f"{what} cannot be stored as JSON; keep plain values (text, numbers, dates, lists, dicts)"
