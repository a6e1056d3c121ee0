"""How a run ended, which runs there are, and runs that are cancelled."""

from datetime import UTC, datetime, timedelta

import pytest

from spine.orchestration import (
    Registry,
    RunAlreadyCompleted,
    RunFailed,
    RunNotFound,
    RunStatus,
    StepResult,
    WorkflowRunner,
)
from spine.stores.memory import MemoryStore
from spine.testing.contract.drive import take_over


def test_a_completed_result_goes_on_and_a_failed_one_raises_if_asked(runner, ran):  # S14
    completed = runner.execute(ran.workflow("a"))
    assert completed.raise_for_status() is completed

    ran.broken["a"] = ValueError("broken")
    failed = runner.execute(ran.workflow("a"))
    way_on = "only its own runner" if runner.location == "memory://" else f"spine resume {failed.run_id}"
    with pytest.raises(RunFailed, match=f"failed at step 'a': ValueError: broken; .*{way_on}") as e:
        failed.raise_for_status()
    assert e.value.result is failed


def test_a_result_tells_the_seconds_of_each_step_of_this_attempt(runner, ran):  # S14
    ran.broken["b"] = RuntimeError("down")
    failed = runner.execute(ran.workflow("a", "b", "c"))
    ran.repair()
    resumed = runner.resume(failed.run_id)

    assert list(failed.durations) == ["a", "b"]
    assert list(resumed.durations) == ["b", "c"]
    assert all(0 <= seconds < 60 for seconds in resumed.durations.values())


def test_a_result_belongs_to_its_run(runner, ran):  # S14
    result = runner.execute(ran.workflow("a"), params={"x": 1})

    assert (result.status, result.workflow_name, result.context.run_id) == ("completed", "recorded", result.run_id)
    assert (result.error, result.error_step, result.error_type, result.error_category) == (None,) * 4
    assert result.context.outputs == {"a": {"by": "a"}}


class Odd(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


EXCEPTIONS = [
    (KeyError("day"), "'day'", "KeyError"),
    (ValueError(), "ValueError", "ValueError"),
    (Odd(), "Odd", "Odd"),
    (ValueError("\0\ud800\x1b[31m"), "\\0\\ud800\x1b[31m", "ValueError"),
    (ValueError("x" * 10**6), "x" * 3997 + "...", "ValueError"),
    (SystemExit(3), "3", "SystemExit"),
    (MemoryError(), "MemoryError", "MemoryError"),
    (type("E" * 300, (Exception,), {})("long name"), "long name", "E" * 200),
]


def test_any_exception_is_recorded_and_the_run_can_go_on(runner, ran):  # S5, S14
    for error, text, kind in EXCEPTIONS:
        ran.broken["b"] = error
        failed = runner.execute(ran.workflow("a", "b"))
        run = runner.get_run(failed.run_id)
        assert (failed.error, failed.error_type) == (run.error, run.error_type) == (text, kind)
        assert (run.status, run.error_step) == ("failed", "b")

        ran.repair()
        assert runner.resume(failed.run_id).completed_steps == ["b"]
        assert runner.get_run(failed.run_id).error is None


def test_an_interrupt_raised_by_a_step_is_recorded_and_goes_on(runner, ran):  # S5
    ran.broken["b"] = KeyboardInterrupt()

    with pytest.raises(KeyboardInterrupt):
        runner.execute(ran.workflow("a", "b"), run_id="1")

    run = runner.get_run("1")
    assert (run.status, run.error_step, run.error_type, run.lease) == ("failed", "b", "Interrupted", None)
    ran.repair()
    assert runner.resume("1").completed_steps == ["b"]


def test_endless_recursion_fails_the_step_alone(runner, ran):  # S5
    def deep(ctx):
        return deep(ctx)

    failed = runner.execute(ran.workflow("a", ran.step("b", deep)))

    assert (failed.status, failed.error_type, failed.completed_steps) == ("failed", "RecursionError", ["a"])


@pytest.fixture
def many(runner, ran) -> None:
    """Four runs of two workflows: 1 and 3 completed, 2 failed, 4 cancelled."""
    runner.execute(ran.workflow("a"), run_id="1")
    ran.broken["a"] = RuntimeError("down")
    runner.execute(ran.workflow("a"), run_id="2")
    ran.repair()
    runner.execute(ran.workflow("a", name="other"), run_id="3")
    ran.broken["a"] = RuntimeError("down")
    runner.execute(ran.workflow("a", name="other"), run_id="4")
    runner.cancel("4")


WANTED = [
    ({}, "1234"),
    ({"status": "completed"}, "13"),
    ({"status": RunStatus.FAILED}, "2"),
    ({"status": "cancelled"}, "4"),
    ({"status": "running"}, ""),
    ({"status": "crashed"}, ""),
    ({"workflow": "other"}, "34"),
    ({"workflow": "other", "status": "completed"}, "3"),
    ({"workflow": "nobody's"}, ""),
    ({"limit": 2}, "34"),
    ({"limit": 1, "workflow": "recorded"}, "2"),
    ({"since": datetime.now(UTC) - timedelta(days=1)}, "1234"),
    ({"since": datetime.now(UTC) + timedelta(days=1)}, ""),
    ({"since": datetime(2000, 1, 1)}, "1234"),  # noqa: DTZ001
]


def test_runs_are_listed_oldest_first_the_newest_that_fit(runner, many):  # S46
    for wanted, found in WANTED:
        assert [run.run_id for run in runner.list_runs(**wanted)] == [*found], wanted


def test_a_list_begins_where_it_is_told(runner, many):  # S46
    second = runner.get_run("2").created_at

    assert {run.run_id for run in runner.list_runs(since=second)} >= {"2", "3", "4"}
    assert not hasattr(runner.list_runs()[0], "context")


def test_a_failed_run_can_be_cancelled_and_still_be_resumed(runner, ran):  # S46
    ran.broken["b"] = RuntimeError("down")
    run_id = runner.execute(ran.workflow("a", "b")).run_id

    cancelled = runner.cancel(run_id)

    assert (cancelled.status, cancelled.error_step, cancelled.error) == ("cancelled", "b", "down")
    assert runner.cancel(run_id).status == "cancelled"
    ran.repair()
    assert runner.resume(run_id).completed_steps == ["b"]


def test_a_cancelled_run_writes_and_starts_nothing_more(runner, ran):  # S5
    def cancel(ctx):
        runner.cancel(ctx.run_id)
        return {"written": False}

    result = runner.execute(ran.workflow("a", ran.step("b", cancel), "c"))

    assert (result.status, result.completed_steps) == ("cancelled", ["a"])
    assert ran.steps == ["a", "b"]
    assert [checkpoint.step_name for checkpoint in runner.list_checkpoints(result.run_id)] == ["a"]
    run = runner.get_run(result.run_id)
    assert (run.status, run.lease) == ("cancelled", None)
    with pytest.raises(RunFailed, match="is cancelled"):
        result.raise_for_status()


def test_checkpoints_of_a_run_that_ends_at_that_moment_are_deleted_at_the_second_try(ran):
    class Ending(MemoryStore):
        asked = 0

        def delete_checkpoints(self, run_id, **options):
            self.asked += 1
            return None if self.asked == 1 else super().delete_checkpoints(run_id, **options)

    runner = WorkflowRunner(store=Ending(), registry=Registry())
    ran.broken["b"] = RuntimeError("down")
    failed = runner.execute(ran.workflow("a", "b"))

    assert runner.delete_checkpoints(failed.run_id) == 1


def test_a_run_with_which_somebody_goes_on_at_that_moment_is_cancelled_at_the_second_try(ran):
    class Reopened(MemoryStore):
        asked = 0

        def cancel_run(self, run_id, **options):
            self.asked += 1
            cancelled = super().cancel_run(run_id, **options)
            if self.asked == 1:
                take_over(self, run_id)
            return cancelled

    runner = WorkflowRunner(store=Reopened(), registry=Registry())
    completed = runner.execute(ran.workflow("a"))

    assert runner.cancel(completed.run_id).status == "cancelled"
    assert runner.list_events(completed.run_id)[-1].kind == "run.cancelled"


def test_what_cannot_be_cancelled(runner, ran):  # S46
    run_id = runner.execute(ran.workflow("a")).run_id

    with pytest.raises(RunAlreadyCompleted, match="nothing to cancel"):
        runner.cancel(run_id)
    with pytest.raises(RunNotFound):
        runner.cancel("nobody")


def test_a_run_tells_where_it_stands(runner, ran):  # S36, S46
    seen = []

    def look(ctx):
        run = runner.get_run(ctx.run_id)
        seen.append((run.status, run.state, run.current_step, run.is_crashed, run.lease.fence))
        return StepResult.ok()

    run_id = runner.execute(ran.workflow(ran.step("a", look), ran.step("b", look))).run_id

    assert seen == [("running", "running", "a", False, 1), ("running", "running", "b", False, 1)]
    run = runner.get_run(run_id)
    assert (run.status, run.current_step, run.lease) == ("completed", None, None)
    assert [(step.name, step.kind) for step in run.definition.steps] == [("a", "lambda"), ("b", "lambda")]
    assert "test_features_results.py" in run.definition.source or "recorded.py" in run.definition.source
