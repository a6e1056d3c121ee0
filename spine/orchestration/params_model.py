"""`ParamsModel`: what a workflow's pydantic model makes of a run's params."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from spine.codec.limits import Limits
from spine.codec.secret import Secret
from spine.errors import InvalidParams, NotStorable, type_of
from spine.orchestration.model_values import values_of
from spine.records.values import Values


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
        unsaid = {name: value for name, value in given if meant.isdisjoint(self._meant_by(name))}
        return self._validated(self._spelled({**unsaid, **said}), **self._by_name())

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

    def _judged(self, params: Values) -> Mapping[str, bytes] | None:
        """Give what the model makes of these alone; None if they do not fit."""
        try:
            return self._encoded(self._overridden(self._own(params)))
        except (InvalidParams, NotStorable):
            return None

    def _encoded(self, params: Mapping[str, Any]) -> Mapping[str, bytes]:
        return Values.of(params, at="params", limits=self.limits).encoded

    def _own(self, stored: Values) -> dict[str, Any]:
        """Give the params that the model takes, as copies: not those that steps have added, nor what it computes."""
        takes_any = _is_root(self.model) or self.model.model_config.get("extra") == "allow"
        own = (stored.keys() if takes_any else self.model.model_fields.keys()) - self.model.model_computed_fields.keys()
        return {name: value for name, value in stored.fresh().items() if name in own and not name.startswith("__")}

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
            return values_of(self.model.model_validate(dict(params), **spelled), self.limits)
        except ValidationError as error:
            problems = [f"{_field(problem)}: {problem['msg']}{_hint(problem)}" for problem in error.errors()]
            problems += [f"it takes no param {name!r}" for name in self._strangers(params)]
            told = f"workflow {self.workflow!r} does not take these params: {'; '.join(problems)}"
            raise InvalidParams(told) from None
        except InvalidParams:
            raise
        except Exception as error:  # the model's own code, or a value that has no JSON
            told = f"the params_model of workflow {self.workflow!r} raised {type_of(error)}: {error}"
            raise InvalidParams(told) from error

    def _by_name(self) -> dict[str, bool]:
        """Have nested models too take what an earlier run holds of them, unless a name here means two fields."""
        is_plain = all(self._meant_by(name) == [name] for name in self.model.model_fields)
        return {"by_alias": True, "by_name": True} if is_plain else {}

    def _strangers(self, said: Iterable[str]) -> list[str]:
        """Give the names that mean no field, where the model drops such."""
        if _is_root(self.model):
            return []  # its params are all below `root`
        if self.model.model_config.get("extra", "ignore") != "ignore":
            return []
        return [name for name in said if self.model.model_fields.keys().isdisjoint(self._meant_by(name))]

    def _meant_by(self, said: str) -> list[str]:
        fields = [name for name, field in self.model.model_fields.items() if said in (name, *_aliases(field))]
        return fields or [said]


def _is_root(model: Any) -> bool:
    return getattr(model, "__pydantic_root_model__", False) is True


def _aliases(field: Any) -> list[Any]:
    return [getattr(choice, "path", [choice])[0] for choice in _choices(field)]  # AliasPath


def _plain_aliases(field: Any) -> list[str]:
    return [choice for choice in _choices(field) if isinstance(choice, str)]


def _choices(field: Any) -> list[Any]:
    alias = field.validation_alias
    return list(getattr(alias, "choices", [alias]))  # AliasChoices


def _hint(problem: Any) -> str:
    return "; declare the field as Secret" if isinstance(problem["input"], Secret) else ""


def _field(problem: Any) -> str:
    return ".".join(str(part) for part in problem["loc"]) or "params"
