"""What a drive tells of a run that was taken away while a step ran."""

import os
import signal

import pytest

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


def test_a_signal_in_a_run_inside_a_step_fails_both_runs_as_interrupted():
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    inner = Workflow(
        "inner", [Step.lambda_("kill", lambda ctx, config: {"sent": os.kill(os.getpid(), signal.SIGTERM)})]
    )
    with WorkflowRunner("memory://", registry=Registry()) as runner:
        outer = Workflow(
            "outer", [Step.lambda_("nest", lambda ctx, config: {"id": runner.execute(inner, run_id="inner").run_id})]
        )

        with pytest.raises(SystemExit) as ended:
            runner.execute(outer, run_id="outer")

        assert ended.value.code == 143
        for run in (runner.get_run("inner"), runner.get_run("outer")):
            assert (run.status, run.error_type, run.lease) == ("failed", "Interrupted", None)
    signal.signal(signal.SIGTERM, before)
