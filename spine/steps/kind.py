"""`Kind`: what a step does when it is performed, and the `Call` it is performed with."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from spine.records.context import WorkflowContext
from spine.steps.result import StepResult
from spine.steps.secrets import Secrets


class Call(NamedTuple):
    """One attempt of one step: the context it starts from, and whatever its kind needed looked up.

    `first_name` is the one that the step had before it was renamed, if it was.
    """

    context: WorkflowContext
    step_name: str
    secrets: Secrets
    first_name: str | None = None
    attempt: int = 1
    is_resumed: bool = False
    function: Callable[..., Any] | None = None


class Kind(Protocol):
    """What a step does when it is performed."""

    @property
    def name(self) -> str:
        """The word for this kind: `pipeline`, `lambda`."""

    @property
    def pipeline(self) -> str | None:
        """The name to look up in the registry before the step is performed, if any."""

    def perform(self, call: Call) -> StepResult:
        """Do it; what the user's function raises goes through."""
