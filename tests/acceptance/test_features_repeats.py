"""A step that runs again can know it, and can make sure that its effect happens once."""

import sqlite3

import pytest

from spine.orchestration import Step, StepResult, Workflow


def test_resumed_is_false_in_a_fresh_run_and_true_in_every_step_of_a_resumed_one(runner, ran):  # S50
    seen = []

    def note(ctx):
        seen.append((ctx.step_name, ctx.params.get("__resumed__", False), ctx.is_resumed))
        if not ctx.is_resumed and ctx.step_name == "b":
            raise RuntimeError("down")
        return {}

    workflow = ran.workflow(*(ran.step(name, note) for name in "abc"))
    run_id = runner.execute(workflow).run_id
    runner.resume(run_id)
    runner.execute(workflow, run_id=run_id, start_from="c")

    assert seen == [("a", False, False), ("b", False, False), ("b", True, True), ("c", True, True), ("c", True, True)]
    assert "__resumed__" not in runner.get_run(run_id).params
    assert "__resumed__" not in runner.get_checkpoint(run_id).context_snapshot["params"]


def test_pipelines_see_it_too_and_a_notification_can_say_it(runner, registry, ran):  # S50, S51
    said = []

    @registry.pipeline("shop.notify")
    def notify(params):
        said.append("RESUMED and completed" if params.get("__resumed__", False) else "completed")

    workflow = Workflow("w", [ran.step("load"), Step.pipeline("notify", "shop.notify")])
    runner.execute(workflow)
    ran.broken["load"] = RuntimeError("down")
    run_id = runner.execute(workflow).run_id
    ran.repair()
    runner.resume(run_id)

    assert said == ["completed", "RESUMED and completed"]


def test_a_step_can_clean_up_what_it_left_for_its_partition(runner, ran):  # S43
    table = {("2026-01-09", 1): "kept"}

    def load(ctx):
        day = ctx.partition["date"]
        if ctx.params.get("__resumed__", False):
            for key in [key for key in table if key[0] == day]:
                del table[key]
        table[day, 1] = "new"
        if not ctx.is_resumed:
            raise RuntimeError("half of it is there")
        return {"rows": len(table)}

    run_id = runner.execute(ran.workflow(ran.step("load", load)), partition={"date": "2026-01-10"}).run_id

    assert runner.resume(run_id).status == "completed"
    assert table == {("2026-01-09", 1): "kept", ("2026-01-10", 1): "new"}


def test_a_key_is_the_same_on_every_attempt_and_different_otherwise(runner, ran):  # S40, S42
    keys = []

    def charge(ctx):
        keys.append([ctx.idempotency_key(), ctx.idempotency_key("order", 1), ctx.idempotency_key("order", "1")])
        if len(keys) == 1:
            raise RuntimeError("down")
        return {}

    workflow = ran.workflow(ran.step("charge", charge), ran.step("again", charge))
    first = runner.execute(workflow).run_id
    runner.resume(first)
    runner.execute(workflow)

    failed, resumed, other_step, other_run, _ = keys
    assert failed == resumed
    assert len({*failed, *other_step, *other_run}) == 9
    assert all(len(key) == 32 for key in failed)


@pytest.mark.parametrize("pattern", ["upsert", "delete and insert"])
def test_a_load_by_key_leaves_the_same_table_however_often_it_runs(runner, ran, tmp_path, pattern):  # S42
    target = sqlite3.connect(tmp_path / "target.db")
    target.execute("CREATE TABLE prices (day TEXT, symbol TEXT, price REAL, PRIMARY KEY (day, symbol))")
    rows = [("2026-01-10", "A", 1.0), ("2026-01-10", "B", 2.0)]

    def load(ctx):
        with target:
            if pattern == "upsert":
                target.executemany("INSERT INTO prices VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET price = price", rows)
            else:
                target.execute("DELETE FROM prices WHERE day = ?", [ctx.partition["date"]])
                target.executemany("INSERT INTO prices VALUES (?, ?, ?)", rows)
        if not ctx.is_resumed:
            raise RuntimeError("down after the commit")
        return StepResult.ok({"record_count": len(rows), "table": "prices", "partition": dict(ctx.partition)})

    run_id = runner.execute(ran.workflow(ran.step("load", load)), partition={"date": "2026-01-10"}).run_id
    result = runner.resume(run_id)
    loaded = target.execute("SELECT * FROM prices ORDER BY symbol").fetchall()
    target.close()

    assert loaded == rows
    assert result.context.outputs["load"] == {
        "record_count": 2,
        "table": "prices",
        "partition": {"date": "2026-01-10"},
    }


def test_a_step_can_look_whether_its_work_is_done_already(runner, ran, tmp_path):  # S41
    manifest = tmp_path / "manifest"
    loads = []

    def load(ctx):
        if manifest.exists():
            return StepResult.ok({"skipped": True, "reason": "in the manifest"})
        loads.append(ctx.attempt)
        manifest.touch()
        raise RuntimeError("down after the work")

    run_id = runner.execute(ran.workflow(ran.step("load", load), "report")).run_id
    result = runner.resume(run_id)

    assert loads == [1]
    assert result.completed_steps == ["load", "report"]
    assert result.context.outputs["load"]["skipped"] is True
