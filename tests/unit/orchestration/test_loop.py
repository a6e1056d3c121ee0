"""What a drive tells of a run that was taken away while a step ran."""

from spine.orchestration.registry import Registry
from spine.orchestration.runner import WorkflowRunner
from spine.orchestration.workflow import Workflow
from spine.records.run import RunStatus
from spine.steps.step import Step


def test_a_run_cancelled_in_mid_step_still_tells_what_it_had_done():
    with WorkflowRunner("memory://", registry=Registry()) as runner:
        steps = [
            Step.lambda_("first", lambda ctx, config: {"rows": 1}),
            Step.lambda_("second", lambda ctx, config: {"state": runner.cancel(ctx.run_id).status.value}),
            Step.lambda_("third", lambda ctx, config: {}),
        ]

        result = runner.execute(Workflow("cancelled", steps))

        assert result.status is RunStatus.CANCELLED
        assert result.completed_steps == ["first"]
        assert dict(result.context.outputs) == {"first": {"rows": 1}}
        assert [kept.step_name for kept in runner.list_checkpoints(result.run_id)] == ["first"]
