"""Several threads on one runner, runs inside of steps, steps that ask for their own run."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from spine.orchestration import RunExists, RunIsHeld, WorkflowRunner


def test_four_threads_drive_runs_on_one_runner(runner, ran):  # S46
    together = threading.Barrier(4)

    def meet(ctx):
        together.wait(30)
        return {"n": ctx.params["n"]}

    workflow = ran.workflow(ran.step("a", meet), "b", "c")

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda n: runner.execute(workflow, params={"n": n}), range(4)))

    assert [result.status for result in results] == ["completed"] * 4
    assert [result.context.outputs["a"] for result in results] == [{"n": n} for n in range(4)]
    for n, result in enumerate(results):
        assert [each.step_name for each in runner.list_checkpoints(result.run_id)] == ["a", "b", "c"]
        assert runner.get_run(result.run_id).context.params == {"n": n}


def test_of_four_threads_that_execute_one_id_one_does(runner, ran):  # S35
    together = threading.Barrier(4)
    finish = threading.Event()

    def hold(ctx):
        assert finish.wait(30)
        return {}

    workflow = ran.workflow(ran.step("a", hold))

    def execute(_):
        together.wait(30)
        try:
            return runner.execute(workflow, run_id="one").status
        except RunIsHeld as held:
            refused.release()
            return held.holder

    refused = threading.Semaphore(0)
    with ThreadPoolExecutor(4) as pool:
        outcomes = [pool.submit(execute, n) for n in range(4)]
        for _ in range(3):
            assert refused.acquire(timeout=30)
        finish.set()
        told = [outcome.result(30) for outcome in outcomes]

    assert told.count("completed") == 1
    assert len(set(told)) == 2
    assert ran.steps == ["a"]


def test_of_four_threads_that_resume_one_run_one_does(runner, ran):  # S1, S52
    ran.broken["b"] = RuntimeError("down")
    together, finish, refused = threading.Barrier(4), threading.Event(), threading.Semaphore(0)
    hold = ran.step("c", lambda ctx: {"waited": finish.wait(30)})
    run_id = runner.execute(ran.workflow("a", "b", hold)).run_id
    ran.repair()
    ran.taken()

    def resume(_):
        together.wait(30)
        try:
            return runner.resume(run_id).status
        except RunIsHeld:
            refused.release()
            return "held"

    with ThreadPoolExecutor(4) as pool:
        outcomes = [pool.submit(resume, n) for n in range(4)]
        for _ in range(3):
            assert refused.acquire(timeout=30)
        finish.set()
        told = sorted(outcome.result(30) for outcome in outcomes)

    assert told == ["completed", "held", "held", "held"]
    assert ran.steps == ["b", "c"]


def test_a_step_that_asks_for_its_own_run_is_told_that_it_is_held(runner, ran):  # S35
    def selfish(ctx):
        with pytest.raises(RunIsHeld) as held:
            runner.resume(ctx.run_id)
        assert held.value.holder == runner.get_run(ctx.run_id).lease.holder
        assert held.value.expires_at.tzinfo is not None
        with pytest.raises(RunIsHeld):
            runner.execute(workflow, run_id=ctx.run_id, start_from="a")
        with pytest.raises(RunIsHeld):
            runner.execute(workflow, run_id=ctx.run_id)
        return {"asked": True}

    workflow = ran.workflow("a", ran.step("b", selfish), "c")

    result = runner.execute(workflow)

    assert result.raise_for_status().context.outputs["b"] == {"asked": True}
    assert ran.steps == ["a", "b", "c"]


@pytest.mark.parametrize("same_runner", [True, False])
def test_a_step_may_run_another_workflow(runner, ran, store_url, registry, same_runner):  # S48
    inner = ran.workflow("x", "y", name="inner")

    def nest(ctx):
        if same_runner:
            result = runner.execute(inner, params={"outer": ctx.run_id})
        else:
            with WorkflowRunner(store_url, registry=registry) as other:
                result = other.execute(inner, params={"outer": ctx.run_id})
        return {"inner": result.run_id, "status": result.status.value}

    result = runner.execute(ran.workflow("a", ran.step("nest", nest), "b", name="outer"))

    assert result.status == "completed"
    assert ran.steps == ["a", "nest", "x", "y", "b"]
    assert result.context.outputs["nest"]["status"] == "completed"
    if same_runner:
        inner_id = result.context.outputs["nest"]["inner"]
        assert runner.get_run(inner_id).params == {"outer": result.run_id}


def test_an_inner_run_that_failed_can_be_resumed_by_the_outer_one(runner, ran):  # S48
    ran.broken["y"] = RuntimeError("down")
    inner = ran.workflow("x", "y", name="inner")

    def nest(ctx):
        known = [run.run_id for run in runner.list_runs(workflow="inner", status="failed")]
        result = runner.resume(known[0]) if known else runner.execute(inner)
        return {"status": result.raise_for_status().status.value}

    outer = runner.execute(ran.workflow(ran.step("nest", nest), name="outer"))
    assert (outer.status, outer.error_type) == ("failed", "RunFailed")
    ran.repair()
    ran.taken()

    assert runner.resume(outer.run_id).status == "completed"
    assert ran.steps == ["nest", "y"]


def test_threads_may_read_while_one_drives(runner, ran):  # S4
    def look(ctx):
        with ThreadPoolExecutor(4) as pool:
            asked = [
                pool.submit(runner.get_run, ctx.run_id),
                pool.submit(runner.list_runs),
                pool.submit(runner.list_checkpoints, ctx.run_id),
                pool.submit(runner.get_checkpoint, ctx.run_id),
            ]
            run, runs, checkpoints, checkpoint = [answer.result(30) for answer in asked]
        return {"same": run.run_id == runs[0].run_id == checkpoints[0].run_id == checkpoint.run_id}

    result = runner.execute(ran.workflow("a", ran.step("b", look)))

    assert result.context.outputs["b"] == {"same": True}


def test_a_closed_runner_may_be_closed_again(store_url, registry, ran):  # S13
    runner = WorkflowRunner(store_url, registry=registry)
    runner.execute(ran.workflow("a"), run_id="1")
    runner.close()
    runner.close()

    with pytest.raises(RunExists):
        runner.execute(ran.workflow("a"), run_id="1")
    runner.close()
