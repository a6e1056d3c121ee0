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
        for name in meant.keys() & self.model.model_computed_fields.keys():
            raise InvalidParams(f"workflow {self.workflow!r} takes no param {name!r}: its model computes it")
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
        meant = self.fields_meant(said)
        kept = {name: value for name, value in self._own(stored).items() if name not in meant}
        if self._is_plain() or not all(self._is_spelling(name, field) for field, name in meant.items()):
            return self._validated({**self._spelled(kept), **self._spelled(said)})
        named = {field: said[name] for field, name in meant.items()}
        return self._validated({**kept, **named}, {"by_alias": False, "by_name": True})

    def _is_plain(self) -> bool:
        """Tell whether no name of a field, and no alias, means two."""
        names = [
            (name, spelling) for name in self.model.model_fields for spelling in (name, *self._plain_aliases(name))
        ]
        return all(self._meant_by(spelling) == [name] for name, spelling in names)

    def _is_spelling(self, said: str, field: str) -> bool:
        return said == field or said in self._plain_aliases(field)

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
        return field if self._takes_names() else next(iter(self._plain_aliases(field)), field)

    def _takes_names(self) -> bool:
        config = self.model.model_config
        return bool(config.get("populate_by_name") or config.get("validate_by_name"))

    def _is_alias(self, name: str) -> bool:
        return any(name in self._plain_aliases(field) for field in self.model.model_fields)

    def _plain_aliases(self, name: str) -> list[str]:
        field = self.model.model_fields.get(name)
        return [] if field is None else [alias for alias in _aliases(field) if isinstance(alias, str)]

    def _validated(self, params: Mapping[str, Any], spelled: Mapping[str, bool] | None = None) -> dict[str, Any]:
        from pydantic import ValidationError  # noqa: PLC0415  # only workflows with a model pay for pydantic

        if spelled is None:  # by name too, as a run holds what lies within
            spelled = {"by_alias": True, "by_name": True} if self._is_plain() else {}
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
        """Give the fields that a name means: those that the model reads by it, else the one of this name.

        A path needs what it leads to.
        """
        read = []
        for name, field in self.model.model_fields.items():
            aliases = _aliases(field)
            own = [name] if self._takes_names() or not aliases else []
            if any(_leads(alias, said, given) for alias in (*own, *aliases)):
                read.append(name)
        return read or [said]


def _is_root(model: Any) -> bool:
    return getattr(model, "__pydantic_root_model__", False) is True


def _aliases(field: Any) -> list[Any]:
    """Give all: text, or an `AliasPath`."""
    alias = field.validation_alias
    return [choice for choice in getattr(alias, "choices", [alias]) if choice is not None]  # AliasChoices


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
