"""What a failed step told is what it was when the step failed."""

from spine.orchestration.registry import Registry
from spine.orchestration.runner import WorkflowRunner
from spine.orchestration.workflow import Workflow
from spine.steps.result import StepResult
from spine.steps.step import Step
from spine.stores.memory.store import MemoryStore


def test_what_a_failure_tells_stays_though_a_thread_of_the_step_changes_it():
    rows = {"bad": [1]}

    class Late(MemoryStore):
        def end(self, lease, ending):
            rows["bad"].append(object())  # as a thread that the step left behind may, until it is written
            super().end(lease, ending)

    step = Step.lambda_("a", lambda ctx, config: StepResult.fail("the real reason", output={"rows": rows}))
    runner = WorkflowRunner(store=Late(), registry=Registry())

    failed = runner.execute(Workflow("w", [step]), run_id="r")

    assert (failed.status, failed.error) == ("failed", "the real reason")
    assert runner.list_events("r")[-1].fields["output"] == {"rows": {"bad": [1]}}
