"""`ParamsModel`: what a workflow's pydantic model makes of a run's params."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from spine.codec.limits import Limits
from spine.codec.secret import Secret
from spine.errors import InvalidParams, NotStorable, type_of
from spine.orchestration.field_names import FieldNames, is_root
from spine.orchestration.model_values import values_of
from spine.records.values import Values
from spine.steps.result import cleaned, error_text

_BY_BOTH = {"by_alias": True, "by_name": True}
_BY_NAME = {"by_alias": False, "by_name": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamsModel:
    """Judges the params of one workflow's runs; what is not fit raises `InvalidParams`, naming each field."""

    workflow: str
    model: type[Any]
    limits: Limits

    @property
    def names(self) -> FieldNames:
        """Give the names by which the model is given its fields."""
        return FieldNames(self.model)

    def first(self, defaults: Values, said: Mapping[str, Any]) -> dict[str, Any]:
        """Give the params of a new run; what was said beats a default of the same field, however each is spelled."""
        self._require_once(said)
        meant, given = self.names.meant(said).keys(), defaults.fresh().items()
        unsaid = {name: value for name, value in given if meant.isdisjoint(self.names.meant({name: value}))}
        return self._validated(self.names.as_taken({**unsaid, **said}))

    def override(self, stored: Values, said: Mapping[str, Any]) -> dict[str, Any]:
        """Give what an override changes: the fields that it names, and what it makes the model change in others."""
        for name in self.names.strangers(said):  # whoever gave it means another param
            known = ", ".join(self.model.model_fields)
            raise InvalidParams(f"workflow {self.workflow!r} takes no param {name!r}; its model has: {known}")
        self._require_once(said)
        meant = self.names.meant(said)
        for name in meant.keys() & self.model.model_computed_fields.keys():
            raise InvalidParams(f"workflow {self.workflow!r} takes no param {name!r}: its model computes it")
        valid = self._judged_with(stored, said)
        for field in meant.keys() - valid.keys():
            raise InvalidParams(f"workflow {self.workflow!r} keeps no param {field!r}: its model leaves it out")
        return {**self._moved(stored, valid), **{field: valid[field] for field in meant}}

    def dropped(self, said: Mapping[str, Any]) -> list[str]:
        """Name what the model leaves out; nothing where code of its own is given it first, and may know it."""
        users = [kind for kind in self.model.__mro__ if not kind.__module__.startswith(("pydantic", "builtins"))]
        validators = self.model.__pydantic_decorators__.model_validators.values()
        sees_all = any("__init__" in vars(kind) for kind in users) or any(
            validator.info.mode != "after" for validator in validators
        )
        return [] if sees_all else self.names.strangers(said)

    def _require_once(self, said: Mapping[str, Any]) -> None:
        for field, names in self.names.given_twice(said).items():
            told = f"workflow {self.workflow!r} is given {field!r} by several names; say one of {', '.join(names)}"
            raise InvalidParams(told)

    def _moved(self, stored: Values, valid: dict[str, Any]) -> dict[str, Any]:
        """Give the other params that an override changes, without those that change whenever the model judges them.

        Where the stored ones do not fit by themselves, nobody can tell the two apart: then it is all that changes.
        """
        now = self._encoded(valid)
        settled = self._judged(Values.of(valid, at="params", limits=self.limits)) or now
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
        meant = self.names.meant(said)
        kept = {name: value for name, value in self._own(stored).items() if name not in meant}
        if self.names.are_plain() or any(self.names.is_path(name, field) for field, name in meant.items()):
            return self._validated({**self.names.as_taken(kept), **self.names.as_taken(said)}, _BY_BOTH)
        held = {**kept, **{field: said[name] for field, name in meant.items()}}
        return self._validated(held, _BY_BOTH if self.names.are_own(held) else _BY_NAME)

    def _own(self, stored: Values) -> dict[str, Any]:
        """Give the params that the model takes, as copies: not those that steps have added, nor what it computes.

        One that is stored under an alias, as of a field that was renamed since, is that field's.
        """
        takes_any = is_root(self.model) or self.model.model_config.get("extra") == "allow"
        own: dict[str, Any] = {}
        for name, value in stored.fresh().items():
            if name in self.model.model_computed_fields or name.startswith("__"):
                continue
            if unnamed := [field for field in self.names.with_alias(name) if field not in stored]:
                own |= dict.fromkeys(unnamed, value)
            elif takes_any or name in self.model.model_fields:
                own[name] = value
        return own

    def _encoded(self, params: Mapping[str, Any]) -> Mapping[str, bytes]:
        return Values.of(params, at="params", limits=self.limits).encoded

    def _validated(self, params: Mapping[str, Any], spelled: Mapping[str, bool] | None = None) -> dict[str, Any]:
        if spelled is None:  # by name too, as a run holds what lies within
            spelled = _BY_BOTH if self.names.are_own(params.keys() & self.model.model_fields.keys()) else {}
        try:
            return values_of(self.model.model_validate(dict(params), **spelled), self.limits)
        except ValidationError as error:
            problems = [f"{_field(problem)}: {problem['msg']}{_hint(problem)}" for problem in error.errors()]
            problems += [f"it takes no param {name!r}" for name in self.names.strangers(params)]
            told = f"workflow {self.workflow!r} does not take these params: {'; '.join(problems)}"
            raise InvalidParams(told) from None
        except InvalidParams:
            raise
        except Exception as error:  # the model's own code, or a value that has no JSON
            told = f"the params_model of workflow {self.workflow!r} raised {type_of(error)}: {error_text(error)}"
            raise InvalidParams(cleaned(told)) from error


def _hint(problem: Any) -> str:
    return "; declare the field as Secret" if isinstance(problem["input"], Secret) else ""


def _field(problem: Any) -> str:
    return ".".join(str(part) for part in problem["loc"]) or "params"
