"""`StepContext`: what a step knows, and what it may ask for."""

from collections.abc import Mapping
from typing import Any

from spine.codec import json as codec
from spine.records.context import WorkflowContext
from spine.records.quality import Measured, QualityMetrics
from spine.records.values import Values
from spine.steps.kind import Call
from spine.steps.secrets import StepParams

RESUMED = "__resumed__"


class Outputs(Values):
    """The outputs of earlier steps, as a step sees them."""

    __slots__ = ()
    _what = "output of a step"
    _hint = "; a step that was skipped or passed over has none"


class Partition(Values):
    """The business key, as a step sees it."""

    __slots__ = ()
    _what = "part of the partition"


class StepContext(WorkflowContext):
    """The context of one step: its own copy of what the run knows, made part by part when the step asks.

    `params` hold the step's own params too, above the workflow's defaults only, and in a resumed run `__resumed__` as
    True.
    """

    __slots__ = ("_copies", "_own_params", "call")
    call: Call
    _own_params: Values | None
    _copies: dict[str, Values]

    def __init__(self, call: Call, own_params: Values | None = None) -> None:
        object.__setattr__(self, "call", call)
        object.__setattr__(self, "_own_params", own_params)
        object.__setattr__(self, "_copies", {})

    def __setattr__(self, name: str, _value: Any) -> None:
        raise AttributeError(f"ctx.{name} cannot be set; a step gives back what the next ones are to know")

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.call._replace(function=None), self._own_params))  # a pipeline cannot be pickled

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self.call.context.run_id

    @property
    def workflow_name(self) -> str:
        """The name of the workflow."""
        return self.call.context.workflow_name

    @property
    def defaulted(self) -> frozenset[str]:
        """The names of the params that nobody gave."""
        return self.call.context.defaulted

    @property
    def params(self) -> Mapping[str, Any]:
        """The params as this step sees them."""
        if "params" not in self._copies:
            self._copies["params"] = _params(self.call, self._own_params)
        return self._copies["params"]

    @property
    def outputs(self) -> Mapping[str, Any]:
        """The outputs of the steps before this one, by step name."""
        return self._copy(self.call.context.parts[1], "outputs", Outputs)

    @property
    def quality_metrics(self) -> Mapping[str, QualityMetrics]:
        """What the steps before this one measured, by step name."""
        return self._copy(self.call.context.parts[2], "quality_metrics", Measured)

    @property
    def partition(self) -> Mapping[str, Any]:
        """The business key the run is for."""
        return self._copy(self.call.context.parts[3], "partition", Partition)

    def _copy(self, values: Values, name: str, kind: type[Values]) -> Values:
        if name not in self._copies:
            self._copies[name] = kind(values.encoded)
        return self._copies[name]

    def fresh(self) -> "StepContext":
        """Give the same context with nothing decoded yet."""
        return type(self)(self.call, self._own_params)

    @property
    def step_name(self) -> str:
        """The step that is being performed."""
        return self.call.step_name

    @property
    def attempt(self) -> int:
        """Which try of this step within this drive it is: always 1 in this version."""
        return self.call.attempt

    @property
    def is_resumed(self) -> bool:
        """Whether the run was resumed or continued, rather than started."""
        return self.call.is_resumed

    def idempotency_key(self, *parts: object) -> str:
        """Make a key of 32 hexadecimal digits from run, step and parts: every attempt of this step gets the same.

        Also one under another name, if the resume was told that the step was `renamed`.
        """
        import hashlib  # noqa: PLC0415  # only steps that ask for a key pay for it

        identity = [self.run_id, self.call.first_name or self.step_name, *parts]
        return hashlib.sha256(codec.encode(identity, at="idempotency_key")).hexdigest()[:32]

    def plain(self) -> WorkflowContext:
        """Give this as a context of no step, with the params of the run alone."""
        return self.call.context.fresh()


def _params(call: Call, own: Values | None) -> StepParams:
    context = call.context
    params = context.parts[0]
    if own:
        beaten = {name: text for name, text in own.encoded.items() if name not in params or name in context.defaulted}
        params = params.merged(Values(beaten))
    if call.is_resumed:
        params = params.merged(Values({RESUMED: b"true"}))
    return StepParams(params.encoded, call.secrets)
