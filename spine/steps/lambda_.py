"""The kind `lambda`: a function given with the step, called as `fn(ctx, config)`."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from spine.steps.context import StepContext
from spine.steps.kind import Call
from spine.steps.result import StepResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Lambda:
    """Calls `fn` with the context and its own copy of the config; it must return a mapping or a `StepResult`."""

    name: ClassVar[str] = "lambda"
    pipeline: ClassVar[None] = None
    fn: Callable[[StepContext, dict[str, Any]], Any]
    config: Mapping[str, Any] = field(default_factory=dict)

    def perform(self, call: Call) -> StepResult:
        """See `Kind`."""
        returned = self.fn(StepContext(call), copy.deepcopy(dict(self.config)) if self.config else {})
        return StepResult.of(returned, nothing_is_fine=False)
