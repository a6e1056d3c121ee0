"""What a run's params may be: checked against names, storability and the workflow's model."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from spine.codec import json as codec
from spine.codec.limits import DEFAULT_LIMITS, Limits
from spine.codec.secret import Secret
from spine.errors import InvalidParams, NotStorable, type_of
from spine.records.values import Values
from spine.steps.context import RESUMED
from spine.steps.kind import Call
from spine.steps.secrets import StepParams


class FirstParams(NamedTuple):
    """The params a run starts with, and the names of those that came from defaults."""

    values: Values
    defaulted: frozenset[str]


def first_params(
    workflow: str,
    defaults: Mapping[str, Any],
    model: type[Any] | None,
    given: Mapping[str, Any] | None,
    limits: Limits,
) -> FirstParams:
    """Merge what was given over the defaults and let the model judge it."""
    said = checked(given, "params", limits)
    merged = {**defaults, **said}
    if model is None:
        return FirstParams(Values.of(merged, at="params", limits=limits), frozenset(merged) - frozenset(said))
    merged = _validated(workflow, model, {**_spelled(model, defaults), **_spelled(model, said)}, limits)
    meant = {field for name in said for field in _meant_by(model, name)}
    return FirstParams(Values.of(merged, at="params", limits=limits), frozenset(merged) - meant)


def override(
    workflow: str,
    model: type[Any] | None,
    params: Mapping[str, Any],
    given: Mapping[str, Any] | None,
    limits: Limits,
    *,
    are_judged: bool,
) -> Values:
    """Check an override; with a model, as part of the params that it makes, and give what it changes in the others too.

    `are_judged` says that the params were found fit before: those of a run. Those of a context from elsewhere are taken
    as they are if they are fit, with what they lack. An override may name fields or their aliases.
    """
    said = checked(given, "params_override", limits)
    if model is None or (are_judged and not said):
        return said
    _refuse_strangers(workflow, model, said)
    meant = {field: name for name in said for field in _meant_by(model, name)}
    stored = _known(model, params)
    kept = {name: value for name, value in stored.items() if name not in meant}
    valid = _overridden(workflow, model, {**kept, **said}, limits)
    new = {field: valid.get(field, said[name]) for field, name in meant.items()}
    moved = {name: value for name, value in _moved(workflow, model, stored, valid, limits).items() if name in params}
    missing = {} if are_judged else {name: value for name, value in valid.items() if name not in params}
    return Values.of({**missing, **moved, **new}, at="params_override", limits=limits)


def _moved(
    workflow: str, model: type[Any], stored: Mapping[str, Any], valid: Mapping[str, Any], limits: Limits
) -> dict[str, Any]:
    """Give what an override changes in other params: not what a second judgement of the same ones would change."""
    try:
        before = _overridden(workflow, model, stored, limits)
    except InvalidParams:  # they are fit with what is said now, and nobody knows what they were without
        return {}
    then, now = (Values.of(each, at="params", limits=limits).encoded for each in (before, valid))
    return {name: valid[name] for name in now if name in then and now[name] != then[name]}


def updates(given: Mapping[str, Any], call: Call, limits: Limits) -> Values:
    """Check what a step changes; what it gives back as it got it is no change: Spine's own param, and a secret.

    A secret that the run does not hold, one among the step's own params, is kept as what names it.
    """
    current = call.context.params
    changed = {
        name: call.secrets.kept(value)
        for name, value in given.items()
        if not (name == RESUMED and value is call.is_resumed)
        and not (name in current and call.secrets.gave(current[name], value))
    }
    return checked(changed, "context_updates", limits)


def checked(given: Any, what: str, limits: Limits = DEFAULT_LIMITS) -> Values:
    """Encode params; raise `InvalidParams` for a wrong shape or a reserved name, `NotStorable` for a value."""
    if given is None:
        return Values()
    if not isinstance(given, Mapping):
        raise InvalidParams(f"{what} must be a mapping of names to values, not {type_of(given)}")
    if isinstance(given, StepParams):  # a step starts another run with its own params
        given = given.plain()
    for name in given:
        if type(name) is not str:
            raise InvalidParams(f"{what}: the name {name!r} must be text")
        if name.startswith("__"):
            raise InvalidParams(f"{what}: names that begin with __ are Spine's own: {name!r}; leave it out")
    if isinstance(given, Values):
        return given.fresh()
    values = Values.of(given, at=what, limits=limits)
    if values.encoded.size > limits.max_bytes:
        raise NotStorable(what, f"more than {limits.max_bytes:,} bytes of JSON in all; keep a reference to the data")
    return values


def _known(model: type[Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a model is told of the params of a run; steps may have added some that are not its own."""
    takes_all = model.model_config.get("extra") == "allow"
    own = {name: value for name, value in params.items() if takes_all or name in model.model_fields}
    return {name: value for name, value in own.items() if name not in model.model_computed_fields}


def _overridden(workflow: str, model: type[Any], params: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """Give what a model makes of the params of a run, which it holds by name, and of an override, by name or alias."""
    return _validated(workflow, model, params, limits, by_alias=True, by_name=True)


def _spelled(model: type[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Give params by the aliases that a model wants; those of an earlier run are held by the names of its fields."""
    if model.model_config.get("populate_by_name") or model.model_config.get("validate_by_name"):
        return dict(given)
    own = {name: field for name, field in model.model_fields.items() if _meant_by(model, name) == [name]}
    alias = {name: _aliases(field)[0] for name, field in own.items() if isinstance(field.validation_alias, str)}
    return {alias.get(name, name): value for name, value in given.items()}


def _validated(
    workflow: str, model: type[Any], params: Mapping[str, Any], limits: Limits, **spelled: bool
) -> dict[str, Any]:
    """Give what a model makes of params, but for what it computes by itself."""
    from pydantic import ValidationError  # noqa: PLC0415  # only workflows with a model pay for pydantic

    try:
        fit = {name: value for name, value in params.items() if name not in model.model_computed_fields}
        valid = model.model_validate(fit, **spelled)
    except ValidationError as error:
        problems = [f"{_field(problem)}: {problem['msg']}{_hint(problem)}" for problem in error.errors()]
        problems += [f"it takes no param {name!r}" for name in _strangers(model, params)]
        raise InvalidParams(f"workflow {workflow!r} does not take these params: {'; '.join(problems)}") from None
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
    return {**_dumped(valid, limits), **secrets}  # a dump would take a secret apart


def _refuse_strangers(workflow: str, model: type[Any], said: Iterable[str]) -> None:
    """Refuse an override that would change nothing: whoever gave it means another param."""
    for name in _strangers(model, said):
        known = ", ".join(model.model_fields)
        raise InvalidParams(f"workflow {workflow!r} takes no param {name!r}; its model has: {known}")


def _strangers(model: type[Any], said: Iterable[str]) -> list[str]:
    """Give the names that mean no field of a model which drops such."""
    if getattr(model, "__pydantic_root_model__", False):
        return []  # its params are all below `root`
    if model.model_config.get("extra", "ignore") != "ignore":
        return []
    return [name for name in said if not model.model_fields.keys() & {*_meant_by(model, name)}]


def _meant_by(model: type[Any], said: str) -> list[str]:
    """Give the fields that a name means, by their own names or their aliases; what is no field means itself."""
    fields = [name for name, field in model.model_fields.items() if said in (name, *_aliases(field))]
    return fields or [said]


def _aliases(field: Any) -> list[Any]:
    alias = field.validation_alias
    choices = getattr(alias, "choices", [alias])  # AliasChoices
    return [getattr(choice, "path", [choice])[0] for choice in choices]  # AliasPath


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
