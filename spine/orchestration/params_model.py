"""`ParamsModel`: what a workflow's pydantic model makes of a run's params."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from spine.codec import json as codec
from spine.codec.limits import Limits
from spine.codec.secret import Secret
from spine.errors import InvalidParams, NotStorable
from spine.records.values import Values


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamsModel:
    """Judges the params of one workflow's runs; what is not fit raises `InvalidParams`, naming each field.

    A run holds its params by the names of the model's fields; who gives some may say these or their aliases.
    """

    workflow: str
    model: type[Any]
    limits: Limits

    def first(self, defaults: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
        """Give the params of a new run; what was said beats a default of the same field, however each is spelled."""
        meant = self.fields_meant(said)
        unsaid = {name: value for name, value in defaults.items() if meant.keys().isdisjoint(self._meant_by(name))}
        return self._validated(self._spelled({**unsaid, **said}))

    def override(self, stored: Values, said: Mapping[str, Any]) -> dict[str, Any]:
        """Give what an override changes: the fields that it names, and what it makes the model change in others."""
        for name in self._strangers(said):  # whoever gave it means another param
            known = ", ".join(self.model.model_fields)
            raise InvalidParams(f"workflow {self.workflow!r} takes no param {name!r}; its model has: {known}")
        meant = self.fields_meant(said)
        kept = {name: value for name, value in self._own(stored).items() if name not in meant}
        valid = self._overridden({**kept, **said})
        new = {field: valid.get(field, said[name]) for field, name in meant.items()}
        return {**self._moved(stored, valid), **new}

    def fields_meant(self, said: Iterable[str]) -> dict[str, str]:
        """Give the fields that these names mean, each with the name that means it; what is no field means itself."""
        return {field: name for name in said for field in self._meant_by(name)}

    def _moved(self, stored: Values, valid: Mapping[str, Any]) -> dict[str, Any]:
        """Give what is changed in other params, but for what any second judgement of the same ones changes."""
        now = self._encoded(valid)
        try:
            then, again = (self._encoded(self._overridden(self._own(stored))) for _ in range(2))
        except Exception:  # noqa: BLE001  # unfit without what is said now, so nobody knows what they were before
            return {}
        steady = [name for name in now if name in then and then[name] == again.get(name) and then[name] != now[name]]
        return {name: valid[name] for name in steady if name in stored and stored.encoded[name] != now[name]}

    def _encoded(self, params: Mapping[str, Any]) -> Mapping[str, bytes]:
        return Values.of(params, at="params", limits=self.limits).encoded

    def _own(self, stored: Values) -> dict[str, Any]:
        """Give the params that are fields, as copies: not those that steps have added."""
        return {name: value for name, value in stored.fresh().items() if name in self.model.model_fields}

    def _overridden(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return self._validated(params, by_alias=True, by_name=True)

    def _spelled(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Give params as the model takes them: an earlier run holds them by name, with what the model computes."""
        config, meant_by = self.model.model_config, self._meant_by
        computed = self.model.model_computed_fields if config.get("extra") == "forbid" else {}
        told = {name: value for name, value in given.items() if name not in computed or meant_by(name) != [name]}
        if config.get("populate_by_name") or config.get("validate_by_name"):
            return told
        own = {name: field for name, field in self.model.model_fields.items() if meant_by(name) == [name]}
        alias = {name: plain for name, field in own.items() for plain in _plain_aliases(field)[:1]}
        return {
            alias[name] if name in alias and alias[name] not in given else name: value for name, value in told.items()
        }

    def _validated(self, params: Mapping[str, Any], **spelled: bool) -> dict[str, Any]:
        from pydantic import ValidationError  # noqa: PLC0415  # only workflows with a model pay for pydantic

        try:
            valid = self.model.model_validate(dict(params), **spelled)
        except ValidationError as error:
            problems = [f"{_field(problem)}: {problem['msg']}{_hint(problem)}" for problem in error.errors()]
            problems += [f"it takes no param {name!r}" for name in self._strangers(params)]
            told = f"workflow {self.workflow!r} does not take these params: {'; '.join(problems)}"
            raise InvalidParams(told) from None
        secrets = {name: value for name, value in valid if isinstance(value, Secret)}
        for name, value in valid:
            if name not in secrets and _holds(value, lambda part: isinstance(part, Secret)):
                raise InvalidParams(
                    f"params.{name} holds a secret, which no step would be told; make it a param of its own"
                )
            if _holds(value, lambda part: hasattr(part, "get_secret_value")):  # pydantic's SecretStr dumps as asterisks
                raise InvalidParams(
                    f"params.{name} is a secret of pydantic, which must not be stored; declare the field as Secret"
                )
        return {**_dumped(valid, self.limits), **secrets}  # a dump would take a secret apart

    def _strangers(self, said: Iterable[str]) -> list[str]:
        """Give the names that mean no field, where the model drops such."""
        if getattr(self.model, "__pydantic_root_model__", False):
            return []  # its params are all below `root`
        if self.model.model_config.get("extra", "ignore") != "ignore":
            return []
        return [name for name in said if self.model.model_fields.keys().isdisjoint(self._meant_by(name))]

    def _meant_by(self, said: str) -> list[str]:
        fields = [name for name, field in self.model.model_fields.items() if said in (name, *_aliases(field))]
        return fields or [said]


def _aliases(field: Any) -> list[Any]:
    return [getattr(choice, "path", [choice])[0] for choice in _choices(field)]  # AliasPath


def _plain_aliases(field: Any) -> list[str]:
    return [choice for choice in _choices(field) if isinstance(choice, str)]


def _choices(field: Any) -> list[Any]:
    alias = field.validation_alias
    return list(getattr(alias, "choices", [alias]))  # AliasChoices


def _dumped(valid: Any, limits: Limits) -> dict[str, Any]:
    """Dump fields as Python values where the codec keeps them, else as JSON: a Path as text, an Enum as its value."""
    values: dict[str, Any] = valid.model_dump()
    odd = [name for name, value in values.items() if not _is_storable(value, limits)]
    return {**values, **valid.model_dump(mode="json", include=set(odd))} if odd else values


def _is_storable(value: Any, limits: Limits) -> bool:
    try:
        codec.encode(value, limits=limits)
    except NotStorable:
        return False
    return True


def _holds(value: Any, is_one: Callable[[Any], bool]) -> bool:
    """Tell whether a value of a model is such a one, or has one somewhere within."""
    if isinstance(value, dict):
        return any(_holds(part, is_one) for part in value.values())
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(_holds(part, is_one) for part in value)
    if hasattr(type(value), "model_fields"):
        return any(_holds(part, is_one) for _, part in value)
    return is_one(value)


def _hint(problem: Any) -> str:
    return "; declare the field as Secret" if isinstance(problem["input"], Secret) else ""


def _field(problem: Any) -> str:
    return ".".join(str(part) for part in problem["loc"]) or "params"
