"""What a run's params may be: checked against names, storability and the workflow's model."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from spine.codec.limits import DEFAULT_LIMITS, Limits
from spine.codec.secret import require_no_secret
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
    if model is None:
        merged = Values.of({**Values.of(defaults, at="defaults").fresh(), **said}, at="params", limits=limits)
        return FirstParams(merged, frozenset(merged) - frozenset(said))
    judged_by = _params_model(workflow, model, limits)
    made = Values.of(judged_by.first(Values.of(defaults, at="defaults"), said), at="params", limits=limits)
    return FirstParams(made, frozenset(made) - judged_by.names.meant(said).keys())


def override(
    workflow: str,
    model: type[Any] | None,
    params: Mapping[str, Any],
    given: Mapping[str, Any] | None,
    limits: Limits,
) -> Values:
    """Check an override; with a model, as part of the params that it makes; what it changes in others is given too."""
    said = checked(given, "params_override", limits)
    if model is None or not said:
        return said
    stored = Values.of(params, at="params", limits=limits)
    new = _params_model(workflow, model, limits).override(stored, said)
    return Values.of(new, at="params_override", limits=limits)


def dropped(workflow: str, model: type[Any] | None, given: Mapping[str, Any]) -> list[str]:
    """Name the params of a new run that the model does not know and, as it says, leaves out."""
    return [] if model is None else list(_params_model(workflow, model, DEFAULT_LIMITS).dropped(given))


def _params_model(workflow: str, model: type[Any], limits: Limits) -> Any:
    from spine.orchestration.params_model import ParamsModel  # noqa: PLC0415  # only a model pays for pydantic

    return ParamsModel(workflow=workflow, model=model, limits=limits)


def updates(given: Mapping[str, Any], call: Call, limits: Limits) -> Values:
    """Check a step's `context_updates`; `__resumed__` and a secret that it gives back as it got them are no changes.

    Any other value that a secret was resolved to, such as that of a step's own param, is kept as its `Secret`.
    """
    current = call.context.params
    changed = {
        name: call.secrets.kept(value)
        for name, value in given.items()
        if not (name == RESUMED and value is call.is_resumed)
        and not (name in current and call.secrets.gave(current[name], value))
    }
    return checked(changed, "context_updates", limits)


def checked_partition(given: Any, limits: Limits) -> Values:
    """Encode a partition as `checked` does params; raise `InvalidParams` for a secret too."""
    partition = checked(given, "partition", limits)
    require_no_secret(partition.encoded, "partition", but_whole=False)
    return partition


def checked(given: Any, what: str, limits: Limits = DEFAULT_LIMITS) -> Values:
    """Encode params; raise `InvalidParams` for a wrong shape or a reserved name, `NotStorable` for a value."""
    if given is None:
        return Values()
    if not isinstance(given, Mapping):
        hint = '; give its .model_dump(mode="json")' if hasattr(given, "model_dump") else ""
        raise InvalidParams(f"{what} must be a mapping of names to values, not {type_of(given)}{hint}")
    if isinstance(given, StepParams):  # a step starts another run with its own params
        given = given.plain()
    for name in given:
        if type(name) is not str:
            raise InvalidParams(f"{what}: the name {name!r} must be text")
        if name.startswith("__"):
            raise InvalidParams(f"{what}: names that begin with __ are Spine's own: {name!r}; leave it out")
    values = given.fresh() if isinstance(given, Values) else Values.of(given, at=what, limits=limits)
    require_no_secret(values.encoded, what, but_whole=True)
    if values.encoded.size > limits.max_bytes:
        raise NotStorable(what, f"more than {limits.max_bytes:,} bytes of JSON in all; keep a reference to the data")
    return values
