"""Reads the tagged forms of `codec/tags.py` in JSON that people and programs give."""

from contextlib import suppress
from typing import Any

from spine.codec.tags import UNTAGGERS

_OF_LISTS = frozenset({"$parts", "$timedelta", "$tuple", "$set", "$frozenset", "$dict"})
_ITEMS = {"$parts": str, "$timedelta": int}


def read_object(members: dict[str, Any]) -> Any:
    """Give an object, in which all others are read already, as the value that it is the tagged form of, else itself.

    A tagged form has one key, which is a tag. Of a key that begins with `$$` one goes; any other stays as it is, where
    `json.decode`, which reads what `encode` wrote, refuses it. Raise ValueError for a tag with what it does not tag.
    """
    tag = next(iter(members)) if len(members) == 1 else ""
    if tag in UNTAGGERS:
        return _untagged(tag, members[tag])
    if not any(name.startswith("$$") for name in members):
        return members
    read = {name[1:] if name.startswith("$$") else name: value for name, value in members.items()}
    if len(read) < len(members):
        twice = next(name[:100] for name in members if f"${name}" in members)
        raise ValueError(f"{twice!r} and {f'${twice}'!r}, which mean the same key; leave one of them out")
    return read


def _untagged(tag: str, value: Any) -> Any:
    if type(value) is (list if tag in _OF_LISTS else str):
        with suppress(Exception):  # each type has its own way to refuse
            read = UNTAGGERS[tag](value)
            is_twice = tag == "$dict" and 2 * len(read) < len(value)
            if not is_twice and all(type(item) is _ITEMS.get(tag, type(item)) for item in value):
                return read
    shown = repr(value)[:100]
    raise ValueError(f"{tag!r} with {shown}, which is no {tag[1:]}; write {f'${tag}'!r} for a key {tag!r}")
