"""A driver that lost its run starts nothing more, whatever strategy, runner or thread it has (INV-23, INV-26)."""

import multiprocessing
import threading
from typing import Any

import pytest

from spine.orchestration import LeaseLost, RunStatus, SpineError, Step, StoreUnavailable, Workflow, WorkflowRunner
from tests.acceptance.recorded import wait_for
from tests.servers.proxy import proxied

LIMIT = 30.0


class Gate:
    """Lets a step of the first driver wait until the test has taken its run away."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.inside, self.go = threading.Event(), threading.Event()

    def step(self, name: str, *, waits: bool = False, checkpoint: bool | None = None) -> Step:
        def perform(ctx: Any, config: dict[str, Any]) -> dict[str, Any]:
            self.ran.append(f"{name} {'resumed' if ctx.is_resumed else 'first'}")
            if waits and not ctx.is_resumed:
                self.inside.set()
                assert self.go.wait(LIMIT)
            return {}

        return Step.lambda_(name, perform, checkpoint=checkpoint)


def drive_in_a_thread(runner: WorkflowRunner, workflow: Workflow, ended: list[object]) -> threading.Thread:
    def drive() -> None:
        try:
            ended.append(runner.execute(workflow, run_id="run-1").status)
        except SpineError as error:
            ended.append(type(error))

    thread = threading.Thread(target=drive)
    thread.start()
    return thread


def test_between_steps_without_checkpoints_too_a_driver_notices_that_its_run_was_taken_over(database_url: str):
    gate, ended = Gate(), []
    steps = [
        gate.step("a", checkpoint=True),
        gate.step("b", waits=True),
        gate.step("c"),
        gate.step("d", checkpoint=True),
    ]
    workflow = Workflow("sparse", steps)

    with WorkflowRunner(database_url) as first, WorkflowRunner(database_url) as second:
        thread = drive_in_a_thread(first, workflow, ended)
        assert gate.inside.wait(LIMIT)
        second.cancel("run-1")
        resumed = second.resume("run-1")
        gate.go.set()
        thread.join(LIMIT)

    assert resumed.status is RunStatus.COMPLETED
    assert ended == [LeaseLost]
    assert gate.ran == ["a first", "b first", "b resumed", "c resumed", "d resumed"]


@pytest.mark.parametrize("strategy", ["every_step", "key_steps"])
def test_a_driver_that_can_ask_nobody_starts_nothing_beside_the_one_that_took_over(postgres_url: str, strategy: str):
    gate, ended = Gate(), []
    workflow = Workflow("apart", [gate.step("a"), gate.step("b", waits=True), gate.step("c"), gate.step("d")])
    impatient = {"lease_seconds": 0.5, "reconnect_seconds": 0.3, "checkpoint_strategy": strategy}

    with (
        proxied(postgres_url) as (proxy, url),
        WorkflowRunner(url, **impatient) as first,
        WorkflowRunner(postgres_url, checkpoint_strategy=strategy) as second,
    ):
        thread = drive_in_a_thread(first, workflow, ended)
        assert gate.inside.wait(LIMIT)
        proxy.close()
        proxy.hang_up()
        wait_for(lambda: second.get_run("run-1").is_crashed)
        resumed = second.resume("run-1")
        gate.go.set()
        thread.join(LIMIT)

    assert resumed.status is RunStatus.COMPLETED
    assert ended == [StoreUnavailable]
    assert "c first" not in gate.ran


def test_an_old_driver_that_ends_leaves_the_new_one_in_the_same_runner_its_heartbeat(database_url: str):
    gate, ended, alive = Gate(), [], []

    def outlive(ctx: Any, config: dict[str, Any]) -> dict[str, Any]:
        gate.go.set()
        old.join(LIMIT)
        expires = runner.get_run("run-1").lease.expires_at
        while runner.get_run("run-1").lease.expires_at == expires:
            pass  # the next beat is still to come
        alive.append(runner.get_run("run-1").state)
        return {}

    workflow = Workflow("twice", [gate.step("a", waits=True), Step.lambda_("b", outlive)])

    with WorkflowRunner(database_url, lease_seconds=0.9) as runner:
        old = drive_in_a_thread(runner, workflow, ended)
        assert gate.inside.wait(LIMIT)
        runner.cancel("run-1")
        resumed = runner.resume("run-1")

    assert (resumed.status, ended, alive) == (RunStatus.COMPLETED, [LeaseLost], ["running"])


def drive_in_a_child(runner: WorkflowRunner, workflow: Workflow) -> None:
    runner.execute(workflow, run_id="child")


def test_a_forked_child_may_use_the_runner_it_was_born_with(postgres_url: str):
    small = Workflow("small", [Step.lambda_("only", lambda ctx, config: {"done": True})])

    def fork(ctx: Any, config: dict[str, Any]) -> dict[str, Any]:
        runner.list_runs()  # a pooled connection that the child must not touch
        child = multiprocessing.get_context("fork").Process(target=drive_in_a_child, args=(runner, small))
        child.start()
        child.join(LIMIT)
        return {"exit": child.exitcode}

    with WorkflowRunner(postgres_url) as runner:
        parent = runner.execute(
            Workflow("parent", [Step.lambda_("fork", fork), Step.lambda_("after", lambda c, g: {})])
        )
        child = runner.get_run("child")

    assert parent.context.outputs["fork"] == {"exit": 0}
    assert (parent.status, child.status) == (RunStatus.COMPLETED, RunStatus.COMPLETED)
