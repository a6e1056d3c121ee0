"""`FieldNames`: the names by which a pydantic model is given its fields."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticUndefined


@dataclass(frozen=True, slots=True)
class FieldNames:
    """A run holds its params by the names of the fields; who gives some may say these, their aliases, or paths."""

    model: type[Any]

    def meant(self, said: Mapping[str, Any]) -> dict[str, str]:
        """Give the fields that these mean, each with the name that means it; what is no field means itself."""
        return {field: name for name, value in said.items() for field in self._meant_by(name, {name: value})}

    def given_twice(self, said: Mapping[str, Any]) -> dict[str, list[str]]:
        """Give the fields that are given by two names, an alias and another or its own, where each name means one."""
        if not self.are_plain():
            return {}
        names = {field: [field, *self._plain_aliases(field)] for field in self.model.model_fields}
        given = {field: [name for name in said if name in own] for field, own in names.items()}
        return {field: found for field, found in given.items() if len(found) > 1}

    def strangers(self, said: Iterable[str]) -> list[str]:
        """Give the names that mean no field, where the model drops such."""
        if is_root(self.model):
            return []  # its params are all below `root`
        if self.model.model_config.get("extra", "ignore") != "ignore":
            return []
        return [name for name in said if self.model.model_fields.keys().isdisjoint(self._meant_by(name))]

    def as_taken(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Give params by the names that the model itself looks for, without what it computes if it forbids that.

        So what it does before it validates them finds those of an earlier run, too.
        """
        computed = self.model.model_computed_fields if self.model.model_config.get("extra") == "forbid" else {}
        told = {name: value for name, value in given.items() if name not in computed or self.with_alias(name)}
        spelled = {name: name if self.with_alias(name) else self._first_name(name) for name in told}
        return {name if spelled[name] in given else spelled[name]: value for name, value in told.items()}

    def are_plain(self) -> bool:
        """Tell whether no name of a field, and no alias, means two."""
        names = ((field, name) for field in self.model.model_fields for name in (field, *self._plain_aliases(field)))
        return all(self._meant_by(name) == [field] for field, name in names)

    def are_own(self, held: Iterable[str]) -> bool:
        """Tell whether none of these, which are names of fields, is read as an alias of another one."""
        return all(self._meant_by(name) == [name] for name in held)

    def with_alias(self, name: str) -> list[str]:
        """Give the fields that have this alias."""
        return [field for field in self.model.model_fields if name in self._plain_aliases(field)]

    def is_path(self, name: str, field: str) -> bool:
        """Tell whether a name that means a field only leads to it."""
        return name != field and name not in self._plain_aliases(field)

    def _meant_by(self, said: str, given: Mapping[str, Any] | None = None) -> list[str]:
        """Give the fields that the model reads by a name, else the one of this name; a path needs what it leads to."""
        read = []
        for name, field in self.model.model_fields.items():
            aliases = _aliases(field)
            own = [name] if self._takes_names() or not aliases else []
            if any(_leads(alias, said, given) for alias in (*own, *aliases)):
                read.append(name)
        return read or [said]

    def _first_name(self, field: str) -> str:
        return field if self._takes_names() else next(iter(self._plain_aliases(field)), field)

    def _takes_names(self) -> bool:
        config = self.model.model_config
        return bool(config.get("populate_by_name") or config.get("validate_by_name"))

    def _plain_aliases(self, name: str) -> list[str]:
        field = self.model.model_fields.get(name)
        return [] if field is None else [alias for alias in _aliases(field) if isinstance(alias, str)]


def is_root(model: type[Any]) -> bool:
    """Tell whether a model has no fields of its own, but is one value."""
    return getattr(model, "__pydantic_root_model__", False) is True


def _aliases(field: Any) -> list[Any]:
    """Give all: text, or an `AliasPath`."""
    alias = field.validation_alias
    return [choice for choice in getattr(alias, "choices", [alias]) if choice is not None]  # AliasChoices


def _leads(alias: Any, said: str, given: Mapping[str, Any] | None) -> bool:
    if isinstance(alias, str):
        return alias == said
    if alias.path[0] != said:
        return False
    return given is None or alias.search_dict_for_path(dict(given)) is not PydanticUndefined
