"""How an attempt ended."""

import pickle

import pytest

from spine.errors import RunFailed
from spine.orchestration.result import WorkflowResult
from spine.records.context import WorkflowContext
from spine.records.run import RunStatus


def result(status: RunStatus, **fields) -> WorkflowResult:
    steps = {"completed_steps": ["a"], "all_completed_steps": ["a"], "skipped_steps": []}
    context = WorkflowContext(run_id="1", workflow_name="w", params={"x": 1})
    return WorkflowResult(status=status, run_id="1", workflow_name="w", context=context, **steps, **fields)


def test_a_completed_result_is_given_back():
    completed = result(RunStatus.COMPLETED)

    assert completed.raise_for_status() is completed


def test_a_failed_one_raises_with_the_command_that_resumes_it():
    failed = result(RunStatus.FAILED, error_step="b", error="no route", error_type="OSError")

    with pytest.raises(RunFailed, match=r"has failed at step 'b': OSError: no route; .*: spine resume 1$") as e:
        failed.raise_for_status()

    assert e.value.result is failed
    assert pickle.loads(pickle.dumps(e.value)).result == failed


@pytest.mark.parametrize(
    ("location", "way"),
    [
        (
            "sqlite:////srv/x y.db",
            "the file or module of its workflow: spine resume 1 --database-url 'sqlite:////srv/x y.db'",
        ),
        (
            "postgresql://etl:***@db1/etl",
            "the file or module of its workflow and its database URL in SPINE_DATABASE_URL: spine resume 1",
        ),
        ("memory://", "; it is kept in memory alone, and only its own runner can resume it"),
    ],
)
def test_the_command_leads_to_the_database_of_the_run(location, way):
    with pytest.raises(RunFailed) as caught:
        result(RunStatus.FAILED, location=location).raise_for_status()

    assert str(caught.value).endswith(way)


def test_a_cancelled_one_raises_too():
    with pytest.raises(RunFailed, match="is cancelled; resume it with .*: spine resume 1"):
        result(RunStatus.CANCELLED).raise_for_status()
