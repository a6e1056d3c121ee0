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
    meant = {field for name in said for field in _meant_by(model, name)}
    unsaid = {name: value for name, value in defaults.items() if meant.isdisjoint(_meant_by(model, name))}
    made = _validated(workflow, model, _spelled(model, {**unsaid, **said}), limits)
    return FirstParams(Values.of(made, at="params", limits=limits), frozenset(made) - meant)


def override(
    workflow: str,
    model: type[Any] | None,
    params: Mapping[str, Any],
    given: Mapping[str, Any] | None,
    limits: Limits,
) -> Values:
    """Check an override; with a model, as part of the params that it makes, and give what it changes in the others too.

    A run holds its params by the names of the model's fields; an override may say these or their aliases.
    """
    said = checked(given, "params_override", limits)
    if model is None or not said:
        return said
    _refuse_strangers(workflow, model, said)
    meant = {field: name for name in said for field in _meant_by(model, name)}
    stored = Values.of(params, at="params", limits=limits)
    kept = {name: value for name, value in _known(model, stored).items() if name not in meant}
    valid = _overridden(workflow, model, {**kept, **said}, limits)
    new = {field: valid.get(field, said[name]) for field, name in meant.items()}
    moved = _moved(workflow, model, stored, valid, limits)
    return Values.of({**moved, **new}, at="params_override", limits=limits)


def _moved(workflow: str, model: type[Any], stored: Values, valid: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """Give what an override changes in other params, and not what any second judgement of the same ones changes."""
    now = Values.of(valid, at="params", limits=limits).encoded
    try:
        then, again = (
            Values.of(_overridden(workflow, model, _known(model, stored), limits), at="params", limits=limits).encoded
            for _ in range(2)
        )
    except Exception:  # noqa: BLE001  # unfit without what is said now, so nobody knows what they were before
        return {}
    steady = [name for name in now if name in then and then[name] == again.get(name) and then[name] != now[name]]
    return {name: valid[name] for name in steady if name in stored and stored.encoded[name] != now[name]}


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


def _known(model: type[Any], stored: Values) -> dict[str, Any]:
    """Give what a model is told of the params of a run, as copies: not those that steps have added."""
    return {name: value for name, value in stored.fresh().items() if name in model.model_fields}


def _overridden(workflow: str, model: type[Any], params: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """Give what a model makes of the params of a run, which it holds by name, and of an override, by name or alias."""
    return _validated(workflow, model, params, limits, by_alias=True, by_name=True)


def _spelled(model: type[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Give params as a model takes them: an earlier run holds them by the names of fields, with what it computes."""
    config = model.model_config
    computed = model.model_computed_fields if config.get("extra") == "forbid" else {}
    told = {name: value for name, value in given.items() if name not in computed or _meant_by(model, name) != [name]}
    if config.get("populate_by_name") or config.get("validate_by_name"):
        return told
    own = {name: field for name, field in model.model_fields.items() if _meant_by(model, name) == [name]}
    alias = {name: spelling for name, field in own.items() for spelling in _plain_aliases(field)[:1]}
    return {alias[name] if name in alias and alias[name] not in given else name: value for name, value in told.items()}


def _validated(
    workflow: str, model: type[Any], params: Mapping[str, Any], limits: Limits, **spelled: bool
) -> dict[str, Any]:
    from pydantic import ValidationError  # noqa: PLC0415  # only workflows with a model pay for pydantic

    try:
        valid = model.model_validate(dict(params), **spelled)
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
