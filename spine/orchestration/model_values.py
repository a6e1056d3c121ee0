"""`values_of`: what a pydantic model holds, as a run can keep it."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, time, timezone
from enum import Enum
from typing import Any

from pydantic_core import to_jsonable_python

from spine.codec import json as codec
from spine.codec.limits import Limits
from spine.codec.secret import Secret
from spine.errors import InvalidParams, NotStorable


def values_of(valid: Any, limits: Limits) -> dict[str, Any]:
    """Give fields and what is computed, by name: as Python values, and where the codec keeps none such, as JSON.

    So a Path is text and an Enum its value, also within others. Raise `InvalidParams` for a secret that is not a field
    of its own, or is pydantic's, which dumps as asterisks, and for what can be read only once.
    """
    secrets = {}
    for name, value in _parts_of_model(valid):
        if _holds(value, lambda part: isinstance(part, Iterator)):
            raise InvalidParams(f"params.{name} can be read only once; declare the field as a list")
        if isinstance(value, Secret):
            secrets[name] = value
        elif _holds(value, lambda part: isinstance(part, Secret)):
            raise InvalidParams(
                f"params.{name} holds a secret, which no step would be told; make it a param of its own"
            )
        if _holds(value, lambda part: hasattr(part, "get_secret_value")):
            raise InvalidParams(
                f"params.{name} is a secret of pydantic, which must not be stored; declare the field as Secret"
            )
    return {**_dumped(valid, limits), **secrets}  # a dump would take a secret apart


def _dumped(valid: Any, limits: Limits) -> dict[str, Any]:
    values: dict[str, Any] = valid.model_dump(by_alias=False)
    odd = {name for name, value in values.items() if not _is_storable(value, limits)}
    if not odd:
        return values
    as_json = valid.model_dump(by_alias=False, mode="json", include=odd)
    return {**values, **{name: _storable(values[name], text, limits) for name, text in as_json.items()}}


def _storable(value: Any, as_json: Any, limits: Limits) -> Any:
    """Give of a value what the codec keeps, and the JSON of the rest."""
    if isinstance(value, Enum) and to_jsonable_python(value) == as_json:  # else the model spells it in its own way
        value = value.value
    if isinstance(value, (datetime, time)) and (offset := value.utcoffset()) is not None:
        value = value.replace(tzinfo=timezone(offset))  # pydantic's own is not one that comes back
    if _is_storable(value, limits):
        return value
    if isinstance(value, dict) and isinstance(as_json, dict) and len(value) == len(as_json):
        pairs = zip(value.items(), as_json.items(), strict=True)
        return {
            key if _is_storable({key: None}, limits) else text: _storable(part, json_part, limits)
            for (key, part), (text, json_part) in pairs
        }
    if isinstance(value, (list, tuple)) and isinstance(as_json, list) and len(value) == len(as_json):
        return [_storable(part, json_part, limits) for part, json_part in zip(value, as_json, strict=True)]
    return as_json


def _is_storable(value: Any, limits: Limits) -> bool:
    try:
        codec.encode(value, limits=limits)
    except NotStorable:
        return False
    return True


def _holds(value: Any, is_one: Callable[[Any], bool]) -> bool:
    """Tell whether a value of a model is such a one, or has one somewhere within."""
    return is_one(value) or any(_holds(part, is_one) for part in _parts(value))


def _parts(value: Any) -> Iterator[Any]:
    if hasattr(type(value), "model_fields"):  # first: a model may look like a collection
        yield from (part for _, part in _parts_of_model(value))
    elif isinstance(value, Mapping):
        yield from (part for entry in value.items() for part in entry)
    elif isinstance(value, Collection) and not isinstance(value, (str, bytes, bytearray, Enum)):  # a flag has itself
        yield from value
    elif is_dataclass(value) and not isinstance(value, type):
        yield from (getattr(value, field.name, None) for field in fields(value))
        yield from (part for _, part in _computed(value))


def _parts_of_model(value: Any) -> Iterator[tuple[str, Any]]:
    yield from {**vars(value), **(value.model_extra or {})}.items()
    yield from _computed(value)


def _computed(value: Any) -> Iterator[tuple[str, Any]]:
    decorators = getattr(type(value), "__pydantic_decorators__", None)
    for name in decorators.computed_fields if decorators else ():
        yield name, getattr(value, name)
