"""`StepContext`: what a step knows, and what it may ask for."""

from dataclasses import dataclass

from spine.codec import json as codec
from spine.records.context import WorkflowContext
from spine.records.values import Values
from spine.steps.kind import Call
from spine.steps.secrets import StepParams

RESUMED = "__resumed__"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext(WorkflowContext):
    """The context of one step: its own copy of what the run knows.

    `params` hold the step's own params too and, in a resumed run, `__resumed__` as True.
    """

    call: Call

    def __post_init__(self) -> None:
        """Nothing is left to do: `of` takes the parts of a context."""

    @classmethod
    def of(cls, call: Call, own_params: Values | None = None) -> "StepContext":
        """Give a step its copy of the context; its own params stand above the workflow's defaults only."""
        context = call.context
        _, outputs, metrics, partition = context.parts
        return cls(
            run_id=context.run_id,
            workflow_name=context.workflow_name,
            params=_params(call, own_params),
            outputs=outputs.fresh(),
            quality_metrics=metrics.fresh(),
            partition=partition.fresh(),
            defaulted=context.defaulted,
            call=call,
        )

    @property
    def step_name(self) -> str:
        """The step that is being performed."""
        return self.call.step_name

    @property
    def attempt(self) -> int:
        """Which try of this step this is, from 1."""
        return self.call.attempt

    @property
    def is_resumed(self) -> bool:
        """Whether the run was resumed or continued, rather than started."""
        return self.call.is_resumed

    def idempotency_key(self, *parts: object) -> str:
        """Make a key of 32 hexadecimal digits from run, step and parts: every attempt of this step gets the same."""
        import hashlib  # noqa: PLC0415  # only steps that ask for a key pay for it

        identity = [self.run_id, self.step_name, *parts]
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
