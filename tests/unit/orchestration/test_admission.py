"""Who is let in when a run changes between being read and being claimed."""

from collections.abc import Callable

import pytest

from spine.errors import RunIsHeld
from spine.orchestration.registry import Registry
from spine.orchestration.runner import WorkflowRunner
from spine.orchestration.workflow import Workflow
from spine.steps.step import Step
from spine.stores.memory import MemoryStore
from spine.testing.contract.drive import FAILED, run_to, take_over


class InterruptedStore(MemoryStore):
    """A store in which something happens just before somebody lists checkpoints."""

    happening: Callable[[], object] | None = None

    def list_checkpoints(self, run_id):
        act, self.happening = self.happening, None
        if act is not None:
            act()
        return super().list_checkpoints(run_id)


def workflow(*names: str) -> Workflow:
    return Workflow("orders", [Step.lambda_(name, lambda ctx, config: {}) for name in names])


OLD, NEW = ("extract", "transform", "load"), ("extract", "tidy", "load")
RENAMED = {"transform": "tidy"}


@pytest.mark.parametrize(
    ("names", "renamed"), [(NEW, RENAMED), (NEW, None), (OLD, None)], ids=["alike", "without", "by old code"]
)
def test_whoever_comes_after_a_claim_that_renamed_steps_hears_that_the_run_is_held(names, renamed):
    store = InterruptedStore()
    run_to(store, FAILED, steps=("extract", "transform"))
    runner = WorkflowRunner(store=store, registry=Registry())
    runner.register(workflow(*names))
    store.happening = lambda: take_over(store, definition=workflow(*NEW).definition(), renamed_steps=RENAMED)

    with pytest.raises(RunIsHeld, match="bob@there/2"):
        runner.resume("run-1", renamed=renamed)
