"""Steps that note that they ran and break when they are told to, and waiting for what must come."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from spine.orchestration import Step, StepContext, StepResult, Workflow

T = TypeVar("T")


class Ran:
    """Which steps ran, in order; `broken` says which fail, and with what."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.broken: dict[str, BaseException] = {}

    def step(self, name: str, give: Callable[[StepContext], Any] | None = None, **options: Any) -> Step:
        """Make a step that gives what `give(ctx)` does, or `{"by": name}`."""

        def perform(ctx: StepContext, _config: dict[str, Any]) -> Any:
            self.steps.append(name)
            if name in self.broken:
                raise self.broken[name]
            return StepResult.ok({"by": name}) if give is None else give(ctx)

        return Step.lambda_(name, perform, **options)

    def workflow(self, *steps: str | Step, name: str = "recorded", **options: Any) -> Workflow:
        """Make a workflow of steps, those given by name alone being plain ones."""
        return Workflow(name, [self.step(step) if isinstance(step, str) else step for step in steps], **options)

    def taken(self) -> list[str]:
        """Give what ran since the last time this was asked."""
        taken, self.steps[:] = list(self.steps), []
        return taken

    def repair(self) -> None:
        """Let nothing fail any more."""
        self.broken.clear()


def wait_for(found: Callable[[], T], *, seconds: float = 30) -> T:
    """Ask until the answer is true, and give it; fail after a limit."""
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
    return answer
