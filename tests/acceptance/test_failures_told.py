"""What a failed step measured, and where it failed, is found in the history of the run."""

from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from spine.orchestration import ErrorCategory, QualityMetrics, Step, StepResult, Workflow, WorkflowRunner


def gate(ctx: Any, config: dict[str, Any]) -> StepResult:
    quality = QualityMetrics(passed=False, record_count=900, missing=0.109)
    return StepResult.fail("too much is missing", ErrorCategory.DATA_QUALITY, quality=quality, output={"sample": [1]})


def deep(ctx: Any, config: dict[str, Any]) -> dict[str, Any]:
    return {"rows": 1 / config["nothing"]}


def test_a_gate_that_fails_tells_what_it_measured(store_url: str):
    with WorkflowRunner(store_url) as runner:
        run_id = runner.execute(Workflow("gated", [Step.lambda_("gate", gate)])).run_id
        failed = runner.list_events(run_id)[-1]

    assert failed.kind == "run.failed"
    assert failed.fields["quality"] == {"passed": False, "record_count": 900, "missing": 0.109}
    assert failed.fields["output"] == {"sample": [1]}
    assert failed.traceback is None


def test_an_exception_tells_where_in_the_users_code_it_came_from(store_url: str):
    with WorkflowRunner(store_url) as runner:
        step = Step.lambda_("deep", deep, config={"nothing": 0})
        run_id = runner.execute(Workflow("deep", [step])).run_id
        failed = runner.list_events(run_id)[-1]

    lines = str(failed.traceback).splitlines()
    assert Path(__file__).name in lines[0]
    assert 'return {"rows": 1 / config["nothing"]}' in lines[1]
    assert "spine/steps" not in str(failed.traceback)


def test_what_a_failure_tells_is_left_out_if_it_cannot_be_kept_and_hides_no_error():
    def fail(ctx: Any, config: dict[str, Any]) -> StepResult:
        return StepResult.fail("the real error", output={"handle": object(), "rows": "x" * 100_000})

    with WorkflowRunner("memory://") as runner:
        result = runner.execute(Workflow("odd", [Step.lambda_("odd", fail)]))
        failed = runner.list_events(result.run_id)[-1]

    assert result.error == failed.error == "the real error"
    assert "output" not in failed.fields


def test_a_params_model_may_hold_paths_and_enums_which_steps_see_as_text():
    class Mode(Enum):
        FAST = "fast"

    class Params(BaseModel):
        folder: Path = Path("in")
        mode: Mode = Mode.FAST

    seen = Step.lambda_("seen", lambda ctx, config: dict(ctx.params))

    with WorkflowRunner("memory://") as runner:
        result = runner.execute(Workflow("typed", [seen], params_model=Params), {"folder": "data/in"})

    assert result.context.outputs["seen"] == {"folder": "data/in", "mode": "fast"}
