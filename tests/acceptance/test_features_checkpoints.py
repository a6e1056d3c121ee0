"""After which steps a checkpoint is kept, and what can be read in it."""

from datetime import UTC, datetime, timedelta

import pytest

from spine.orchestration import (
    CheckpointNotFound,
    CheckpointsDeleted,
    NotStorable,
    QualityMetrics,
    RunIsHeld,
    RunNotFound,
    Step,
    StepResult,
    WorkflowRunner,
)


def names(runner: WorkflowRunner, run_id: str) -> list[str]:
    return [checkpoint.step_name for checkpoint in runner.list_checkpoints(run_id)]


def test_every_step_that_succeeded_has_a_checkpoint_and_no_other(runner, ran):  # S5, S20
    ran.broken["c"] = RuntimeError("broken")

    run_id = runner.execute(ran.workflow("a", "b", "c", "d")).run_id

    assert names(runner, run_id) == ["a", "b"]


def test_a_step_whose_output_cannot_be_kept_has_none(runner, ran):  # S5
    steps = [ran.step("a"), ran.step("b", lambda ctx: {"rows": [1, {"file": object()}]})]

    failed = runner.execute(ran.workflow(*steps))

    assert (failed.status, failed.error_step, failed.error_type) == ("failed", "b", "NotStorable")
    assert failed.error.startswith("outputs.b.rows[1].file: ")
    assert failed.completed_steps == ["a"]
    assert names(runner, failed.run_id) == ["a"]
    assert "b" not in failed.context.outputs


def test_a_checkpoint_tells_what_the_run_knew_then(runner, ran):  # S4, S6, S24, S25, S26, S27, S32
    steps = [
        ran.step(
            "step1",
            lambda ctx: StepResult.ok(
                {"records": 1000}, context_updates={"day": "2026-01-10"}, quality=QualityMetrics(record_count=1000)
            ),
        ),
        ran.step("step2", lambda ctx: {"records": ctx.outputs["step1"]["records"] - 1}),
    ]
    before = datetime.now(UTC)

    run_id = runner.execute(ran.workflow(*steps), params={"x": 1}, partition={"date": "2026-01-10"}).run_id

    first = runner.get_checkpoint(run_id, step="step1")
    assert (first.run_id, first.workflow_name, first.step_name) == (run_id, "recorded", "step1")
    assert first.step_outputs == {"step1": {"records": 1000}}
    assert first.context.params == {"x": 1, "day": "2026-01-10"}
    assert first.context.partition == {"date": "2026-01-10"}
    assert abs(first.created_at - before) < timedelta(minutes=1)
    assert first.created_at.utcoffset() == timedelta(0)
    assert first.next_step == "step2"
    second = runner.get_checkpoint(run_id, step="step2")
    assert second.context.outputs == {"step1": {"records": 1000}, "step2": {"records": 999}}
    assert runner.get_checkpoint(run_id) == second
    assert second.context.quality_metrics["step1"] == {"passed": True, "record_count": 1000}


def test_a_snapshot_is_a_document_that_says_what_it_is(runner, ran):  # S6, S7, S26, S28, S29
    measure = ran.step("measure", lambda ctx: StepResult.ok(quality=QualityMetrics(record_count=2, null_rate=0.5)))

    run_id = runner.execute(ran.workflow(measure), params={"x": 1}, partition={"date": "2026-01-10"}).run_id

    snapshot = dict(runner.get_checkpoint(run_id).context_snapshot)
    metadata = snapshot.pop("metadata")
    assert snapshot == {
        "schema_version": 1,
        "run_id": run_id,
        "workflow_name": "recorded",
        "step_name": "measure",
        "params": {"x": 1},
        "outputs": {"measure": {}},
        "quality_metrics": {"measure": {"passed": True, "record_count": 2, "null_rate": 0.5}},
        "partition": {"date": "2026-01-10"},
    }
    assert set(metadata) == {"created_at", "python_version", "spine_version"}
    assert metadata["created_at"].endswith("Z")
    assert datetime.fromisoformat(metadata["created_at"]).tzinfo is not None


def test_a_list_is_in_the_order_of_writing_and_prints_names_and_times(runner, ran):  # S31
    run_id = runner.execute(ran.workflow("z", "a", "m")).run_id

    listed = runner.list_checkpoints(run_id)

    assert [(each.step_name, each.sequence) for each in listed] == [("z", 1), ("a", 2), ("m", 3)]
    assert [each.created_at for each in listed] == sorted(each.created_at for each in listed)
    assert all(each.size > 100 for each in listed)
    assert not hasattr(listed[0], "context")


def test_what_a_step_says_of_itself_is_kept_with_its_checkpoint(runner, ran):  # S4, S28, S31
    tell = ran.step("tell", lambda ctx: StepResult.ok(metadata={"stage": "fetched", "rows": [1, 2]}))

    run_id = runner.execute(ran.workflow(tell)).run_id

    metadata = runner.list_checkpoints(run_id)[0].metadata
    assert (metadata["stage"], metadata["rows"]) == ("fetched", [1, 2])
    assert metadata["attempt"] == 1
    assert metadata["duration"] >= 0
    assert {"python_version", "spine_version", "started_at"} <= set(metadata)


def test_state_can_be_read_while_the_run_goes_on(runner, ran):  # S4
    seen = []

    def look(ctx):
        seen.append((names(runner, ctx.run_id), dict(runner.get_run(ctx.run_id).context.outputs)))
        return {}

    runner.execute(ran.workflow(ran.step("a", look), ran.step("b", look)))

    assert seen == [([], {}), (["a"], {"a": {}})]


def test_a_step_that_ran_twice_has_one_checkpoint_the_later(runner, ran):  # S8
    rounds = []
    steps = [ran.step("a", lambda ctx: rounds.append(1) or {"round": len(rounds)}), ran.step("b")]
    run_id = runner.execute(ran.workflow(*steps)).run_id

    runner.resume(run_id, start_from="a")

    assert names(runner, run_id) == ["a", "b"]
    assert runner.get_checkpoint(run_id, step="a").step_outputs == {"a": {"round": 2}}


def test_with_key_steps_only_those_are_kept_and_the_rest_runs_again(runner, ran):  # S22
    ran.broken["load"] = RuntimeError("down")
    key = ran.step("fetch", checkpoint=True)
    workflow = ran.workflow(key, "transform1", "transform2", "load")

    run_id = runner.execute(workflow).run_id
    assert names(runner, run_id) == ["fetch"]
    ran.repair()
    ran.taken()
    result = runner.resume(run_id)

    assert ran.steps == ["transform1", "transform2", "load"]
    assert result.all_completed_steps == ["fetch", "transform1", "transform2", "load"]
    assert names(runner, run_id) == ["fetch"]
    assert runner.get_run(run_id).status == "completed"


def test_pipelines_can_be_key_steps_and_a_strategy_can_be_chosen(store_url, registry, ran):  # S20, S22
    registry.add_pipeline("shop.fetch", lambda params: {})
    marked = [
        Step.pipeline("fetch", "shop.fetch", checkpoint=True),
        ran.step("load"),
        ran.step("never", checkpoint=False),
    ]
    unmarked = ran.workflow("a", "b")

    with WorkflowRunner(store_url, registry=registry, checkpoint_strategy="every_step") as every:
        assert names(every, every.execute(ran.workflow(*marked)).run_id) == ["fetch", "load"]
    with WorkflowRunner(store_url, registry=registry, checkpoint_strategy="key_steps") as key:
        assert names(key, key.execute(ran.workflow(*marked)).run_id) == ["fetch"]
        assert names(key, key.execute(unmarked).run_id) == []


@pytest.mark.parametrize("strategy", ["every_step", "key_steps"])
def test_a_result_can_force_a_checkpoint_under_any_strategy(store_url, registry, ran, strategy):  # S23
    force = ran.step("b", lambda ctx: StepResult.ok({"n": 1}, checkpoint=True), checkpoint=False)
    ran.broken["d"] = RuntimeError("down")

    with WorkflowRunner(store_url, registry=registry, checkpoint_strategy=strategy) as runner:
        run_id = runner.execute(ran.workflow("a", force, "c", "d")).run_id
        assert "b" in names(runner, run_id)
        ran.repair()
        ran.taken()
        runner.resume(run_id)

    assert ran.steps == (["c", "d"] if strategy == "key_steps" else ["d"])


def test_the_end_of_a_run_without_a_last_checkpoint_is_kept_too(runner, ran):  # S22, S46
    run_id = runner.execute(ran.workflow(ran.step("a", checkpoint=True), "b")).run_id

    assert names(runner, run_id) == ["a"]
    assert runner.get_run(run_id).status == "completed"


def test_outputs_by_reference_are_kept_as_they_are(runner, ran):  # S30, S49
    reference = {"record_count": 1_000_000, "storage_path": "s3://bucket/day=2026-01-10/", "table": "flights"}

    run_id = runner.execute(ran.workflow(ran.step("load", lambda ctx: reference))).run_id

    assert runner.get_checkpoint(run_id).step_outputs["load"] == reference


def test_an_output_over_the_limit_is_refused_by_name_and_nothing_before_it_is_lost(store_url, registry, ran):  # S30
    big = [60_000]
    steps = [ran.step("a"), ran.step("read", lambda ctx: {"rows": "x" * big[0]}), ran.step("load")]
    with WorkflowRunner(store_url, registry=registry, max_snapshot_bytes=50_000) as runner:
        failed = runner.execute(ran.workflow(*steps))
        assert (failed.error_step, failed.error_type) == ("read", "NotStorable")
        assert failed.error.startswith("outputs.read.rows: more than 50,000 bytes of JSON; store the data elsewhere")
        assert names(runner, failed.run_id) == ["a"]

        big[0] = 30_000
        assert runner.resume(failed.run_id).status == "completed"
        with pytest.raises(NotStorable, match="params.text: more than 50,000 bytes"):
            runner.execute(ran.workflow("a"), params={"text": "x" * 60_000})


def test_deleted_checkpoints_are_gone_and_a_resume_says_why_it_cannot(runner, ran):  # S33
    ran.broken["c"] = RuntimeError("down")
    run_id = runner.execute(ran.workflow("a", "b", "c")).run_id
    ran.taken()

    assert runner.delete_checkpoints(run_id) == 2

    assert runner.list_checkpoints(run_id) == []
    run = runner.get_run(run_id)
    assert (run.status, run.removed_because) == ("failed", "deleted")
    assert run.removed_at is not None
    with pytest.raises(CheckpointsDeleted, match=f"run '{run_id}' cannot go on: its checkpoints were deleted on 2"):
        runner.resume(run_id)
    with pytest.raises(CheckpointsDeleted):
        runner.execute(ran.workflow("a", "b", "c"), run_id=run_id, start_from="b")
    assert ran.steps == []
    assert runner.delete_checkpoints(run_id) == 0


def test_the_checkpoints_of_a_held_run_are_not_deleted(runner, ran):  # S33
    def delete(ctx):
        with pytest.raises(RunIsHeld, match="spine runs cancel"):
            runner.delete_checkpoints(ctx.run_id)
        return {}

    run_id = runner.execute(ran.workflow("a", ran.step("b", delete))).run_id

    assert names(runner, run_id) == ["a", "b"]


def test_what_is_not_there_is_missed(runner, ran):  # S31, S32, S33
    ran.broken["a"] = RuntimeError("down")
    run_id = runner.execute(ran.workflow("a")).run_id

    assert runner.list_checkpoints(run_id) == []
    with pytest.raises(CheckpointNotFound):
        runner.get_checkpoint(run_id)
    with pytest.raises(CheckpointNotFound, match="step 'zzz'"):
        runner.get_checkpoint(run_id, step="zzz")
    for ask in (runner.list_checkpoints, runner.get_checkpoint, runner.delete_checkpoints, runner.get_run):
        with pytest.raises(RunNotFound, match="no run 'nobody'"):
            ask("nobody")
