"""`ParamsModel`: what a workflow's pydantic model makes of a run's params."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from spine.codec.limits import Limits
from spine.codec.secret import Secret
from spine.errors import InvalidParams, NotStorable, type_of
from spine.orchestration.model_values import values_of
from spine.records.values import Values
from spine.steps.result import error_text


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamsModel:
    """Judges the params of one workflow's runs; what is not fit raises `InvalidParams`, naming each field.

    A run holds its params by the names of the model's fields; who gives some may say these or their aliases.
    """

    workflow: str
    model: type[Any]
    limits: Limits

    def first(self, defaults: Values, said: Mapping[str, Any]) -> dict[str, Any]:
        """Give the params of a new run; what was said beats a default of the same field, however each is spelled."""
        meant, given = self.fields_meant(said).keys(), defaults.fresh().items()
        unsaid = {name: value for name, value in given if meant.isdisjoint(self.fields_meant({name: value}))}
        return self._validated(self._spelled({**unsaid, **said}))

    def override(self, stored: Values, said: Mapping[str, Any]) -> dict[str, Any]:
        """Give what an override changes: the fields that it names, and what it makes the model change in others."""
        for name in self._strangers(said):  # whoever gave it means another param
            known = ", ".join(self.model.model_fields)
            raise InvalidParams(f"workflow {self.workflow!r} takes no param {name!r}; its model has: {known}")
        meant = self.fields_meant(said)
        valid = self._judged_with(stored, said)
        for field in meant.keys() - valid.keys():
            raise InvalidParams(f"workflow {self.workflow!r} keeps no param {field!r}: its model leaves it out")
        return {**self._moved(stored, valid), **{field: valid[field] for field in meant}}

    def fields_meant(self, said: Mapping[str, Any]) -> dict[str, str]:
        """Give the fields that these mean, each with the name that means it; what is no field means itself."""
        return {field: name for name, value in said.items() for field in self._meant_by(name, {name: value})}

    def _moved(self, stored: Values, valid: dict[str, Any]) -> dict[str, Any]:
        """Give what an override makes the model change in other params, and no other judgement of them changes anew.

        Where the stored ones do not fit by themselves, nobody knows what the model would make of them: it is all that
        it changes.
        """
        now, settled = self._encoded(valid), self._judged(Values.of(valid, at="params", limits=self.limits)) or {}
        then, again = (self._judged(stored) or stored.encoded for _ in range(2))
        return {
            name: valid[name]
            for name, text in now.items()
            if then.get(name) not in (None, text)
            and stored.encoded.get(name) != text
            and then[name] == again.get(name)
            and settled.get(name) == text
        }

    def _judged(self, stored: Values) -> Mapping[str, bytes] | None:
        """Give what the model makes of these alone; None if they do not fit."""
        try:
            return self._encoded(self._judged_with(stored, {}))
        except (InvalidParams, NotStorable):
            return None

    def _judged_with(self, stored: Values, said: Mapping[str, Any]) -> dict[str, Any]:
        """Give what the model makes of the params of a run, held by the names of its fields, and of what is said."""
        meant = self.fields_meant(said)
        kept = {self._alias(name): value for name, value in self._own(stored).items() if name not in meant}
        return self._validated({**kept, **self._spelled(said)})

    def _own(self, stored: Values) -> dict[str, Any]:
        """Give the params that the model takes, as copies: not those that steps have added, nor what it computes."""
        takes_any = _is_root(self.model) or self.model.model_config.get("extra") == "allow"
        own = (stored.keys() if takes_any else self.model.model_fields.keys()) - self.model.model_computed_fields.keys()
        return {name: value for name, value in stored.fresh().items() if name in own and not name.startswith("__")}

    def _encoded(self, params: Mapping[str, Any]) -> Mapping[str, bytes]:
        return Values.of(params, at="params", limits=self.limits).encoded

    def _spelled(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Give params as the model takes them: an earlier run holds them by name, with what the model computes."""
        computed = self.model.model_computed_fields if self.model.model_config.get("extra") == "forbid" else {}
        told = {name: value for name, value in given.items() if name not in computed or self._is_alias(name)}
        spelled = {name: name if self._is_alias(name) else self._alias(name) for name in told}
        return {name if spelled[name] in given else spelled[name]: value for name, value in told.items()}

    def _alias(self, field: str) -> str:
        """Give the first name by which the model takes a field, for what it does before it validates them."""
        config = self.model.model_config
        if field not in self.model.model_fields or config.get("populate_by_name") or config.get("validate_by_name"):
            return field
        return next(iter(_plain_aliases(self.model.model_fields[field])), field)

    def _is_alias(self, name: str) -> bool:
        return any(name in _plain_aliases(field) for field in self.model.model_fields.values())

    def _validated(self, params: Mapping[str, Any]) -> dict[str, Any]:
        from pydantic import ValidationError  # noqa: PLC0415  # only workflows with a model pay for pydantic

        # By name too, as a run holds what lies within; not where a name here is the alias of another field.
        is_plain = all(self._meant_by(name) == [name] for name in self.model.model_fields)
        spelled = {"by_alias": True, "by_name": True} if is_plain else {}
        try:
            return values_of(self.model.model_validate(dict(params), **spelled), self.limits)
        except ValidationError as error:
            problems = [f"{_field(problem)}: {problem['msg']}{_hint(problem)}" for problem in error.errors()]
            problems += [f"it takes no param {name!r}" for name in self._strangers(params)]
            told = f"workflow {self.workflow!r} does not take these params: {'; '.join(problems)}"
            raise InvalidParams(told) from None
        except InvalidParams:
            raise
        except Exception as error:  # the model's own code, or a value that has no JSON
            told = f"the params_model of workflow {self.workflow!r} raised {type_of(error)}: {error_text(error)}"
            raise InvalidParams(told) from error

    def _strangers(self, said: Iterable[str]) -> list[str]:
        """Give the names that mean no field, where the model drops such."""
        if _is_root(self.model):
            return []  # its params are all below `root`
        if self.model.model_config.get("extra", "ignore") != "ignore":
            return []
        return [name for name in said if self.model.model_fields.keys().isdisjoint(self._meant_by(name))]

    def _meant_by(self, said: str, given: Mapping[str, Any] | None = None) -> list[str]:
        """Give the fields that a name means: those it is an alias of, else its own; a path needs what it leads to."""
        fields = self.model.model_fields.items()
        aliased = [name for name, field in fields if any(_leads(alias, said, given) for alias in _aliases(field))]
        return aliased or [said]


def _is_root(model: Any) -> bool:
    return getattr(model, "__pydantic_root_model__", False) is True


def _aliases(field: Any) -> list[Any]:
    """Give all: text, or an `AliasPath`."""
    alias = field.validation_alias
    return [choice for choice in getattr(alias, "choices", [alias]) if choice is not None]  # AliasChoices


def _plain_aliases(field: Any) -> list[str]:
    return [alias for alias in _aliases(field) if isinstance(alias, str)]


def _leads(alias: Any, said: str, given: Mapping[str, Any] | None) -> bool:
    if isinstance(alias, str):
        return alias == said
    return alias.path[0] == said and (given is None or _is_there(alias.search_dict_for_path(dict(given))))


def _is_there(found: Any) -> bool:
    from pydantic_core import PydanticUndefined  # noqa: PLC0415  # only workflows with a model pay for pydantic

    return found is not PydanticUndefined


def _hint(problem: Any) -> str:
    return "; declare the field as Secret" if isinstance(problem["input"], Secret) else ""


def _field(problem: Any) -> str:
    return ".".join(str(part) for part in problem["loc"]) or "params"
