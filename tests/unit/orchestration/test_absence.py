"""Who asks for what is not there, or for an id that is taken, hears what there is and what applies."""

import pytest

from spine.errors import CheckpointNotFound, RunExists, RunNotFound
from spine.orchestration.registry import Registry
from spine.orchestration.runner import WorkflowRunner
from spine.orchestration.workflow import Workflow
from spine.steps.step import Step

FLOW = Workflow("w", [Step.lambda_("a", lambda ctx, config: {})])


@pytest.fixture
def runner():
    with WorkflowRunner("memory://", registry=Registry()) as runner:
        yield runner


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("nightly-2026-01-1O", "did you mean 'nightly-2026-01-1"),
        ("6f1c", "did you mean '6f1c0c2e-5a63-4b0e-9f5e-1f6b8f0c9a51'?"),
        ("zzz", "the newest: '6f1c0c2e-5a63-4b0e-9f5e-1f6b8f0c9a51', 'nightly-2026-01-12', 'nightly-2026-01-11'"),
    ],
)
def test_a_run_that_is_not_there_is_answered_with_those_of_a_similar_id_or_the_newest(runner, asked, said):
    for run_id in [f"nightly-2026-01-{day}" for day in (10, 11, 12)] + ["6f1c0c2e-5a63-4b0e-9f5e-1f6b8f0c9a51"]:
        runner.execute(FLOW, run_id=run_id)

    verbs = (runner.get_run, runner.resume, runner.list_checkpoints, runner.get_checkpoint, runner.list_events)
    for ask in (*verbs, runner.get_summary, runner.cancel, runner.delete_checkpoints):
        with pytest.raises(RunNotFound, match=f"no run '{asked}' in memory://; list the runs") as caught:
            ask(asked)
        assert said in str(caught.value)


def test_where_there_are_no_runs_it_says_so(runner):
    with pytest.raises(RunNotFound, match="there are none"):
        runner.get_run("r")


def test_a_checkpoint_that_was_deleted_is_said_to_be(runner):
    runner.execute(FLOW, run_id="r")
    runner.delete_checkpoints("r")

    for step in (None, "a"):
        with pytest.raises(CheckpointNotFound, match=r"they were deleted on 20\d\d-") as caught:
            runner.get_checkpoint("r", step)
        assert str(caught.value).endswith("start a new run with the same params, and see them with: spine runs show r")


def test_the_id_of_a_completed_run_is_refused_with_what_applies(runner):
    runner.execute(FLOW, run_id="r")

    with pytest.raises(RunExists, match="exists and has completed; leave out run_id") as caught:
        runner.execute(FLOW, run_id="r")
    assert "resume" not in str(caught.value)
