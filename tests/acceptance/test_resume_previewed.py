"""What a resume would do is told before it does it, and nothing is done."""

import pytest

from spine.orchestration import (
    DefinitionChanged,
    InvalidParams,
    RunAlreadyCompleted,
    RunIsHeld,
    RunNotFound,
    StepNotFound,
    StepResult,
)


@pytest.fixture
def failed(runner, ran) -> str:
    """A run that did a and b and failed at c."""
    ran.broken["c"] = RuntimeError("down")
    run_id = runner.execute(ran.workflow("a", "b", "c", "d"), {"limit": 1}).run_id
    ran.repair()
    ran.taken()
    return run_id


def state(runner, run_id):
    return runner.get_summary(run_id), runner.list_checkpoints(run_id), runner.list_events(run_id)


@pytest.mark.parametrize(
    ("asked", "steps", "passed_over", "removed", "begun"),
    [
        ({}, "cd", "", "", "c"),
        ({"start_from": "b"}, "bcd", "", "b", "c"),
        ({"start_from": "d"}, "d", "c", "", "c"),
    ],
    ids=["on", "back", "forwards"],
)
def test_a_preview_says_what_the_same_resume_then_does(runner, ran, failed, asked, steps, passed_over, removed, begun):
    before = state(runner, failed)

    preview = runner.preview_resume(failed, {"limit": 2}, **asked)

    assert ran.steps == []
    assert state(runner, failed) == before
    assert (preview.run_id, preview.workflow_name) == (failed, "recorded")
    assert preview.steps == tuple(steps)
    assert preview.passed_over == tuple(passed_over)
    assert preview.removed_checkpoints == tuple(removed)
    assert (preview.begun, preview.steps_gone) == (tuple(begun), ())
    assert preview.context.params["limit"] == 2
    runner.resume(failed, {"limit": 2}, **asked)
    details = runner.list_events(failed)[len(before[2])].fields
    assert ran.steps == [*steps]
    assert details.get("passed_over", []) == [*passed_over]
    assert details.get("removed_checkpoints", []) == [*removed]


def test_a_preview_says_which_steps_may_have_begun_and_are_gone(runner, ran, failed):
    runner.register(ran.workflow("a", "b", "x", "d"))

    assert runner.preview_resume(failed).steps_gone == ("c",)
    assert runner.preview_resume(failed, renamed={"c": "x"}).steps_gone == ()


def test_a_preview_refuses_what_the_resume_would(runner, ran, failed):
    with pytest.raises(StepNotFound):
        runner.preview_resume(failed, start_from="z")
    with pytest.raises(InvalidParams):
        runner.preview_resume(failed, ["limit"])
    with pytest.raises(RunNotFound):
        runner.preview_resume("nobody")
    runner.register(ran.workflow("x", "b", "c", "d"))
    with pytest.raises(DefinitionChanged):
        runner.preview_resume(failed)


def test_a_run_that_is_driven_or_has_completed_has_no_preview(runner, ran):
    seen = []

    def look(ctx):
        with pytest.raises(RunIsHeld):
            runner.preview_resume(ctx.run_id)
        seen.append(ctx.run_id)
        return StepResult.ok()

    run_id = runner.execute(ran.workflow(ran.step("a", look))).run_id

    with pytest.raises(RunAlreadyCompleted):
        runner.preview_resume(run_id)
    assert seen == [run_id]


def test_what_an_earlier_drive_had_begun_is_not_forgotten(runner, ran, failed):
    ran.broken["b"] = RuntimeError("down")
    runner.resume(failed, start_from="b")
    ran.repair()

    preview = runner.preview_resume(failed)
    runner.register(ran.workflow("a", "b", "x", "d"))

    assert preview.begun == ("b", "c")
    assert runner.preview_resume(failed).steps_gone == ("c",)
    runner.resume(failed, renamed={"c": "x"})
    assert ran.steps == ["b", "b", "x", "d"]


def test_what_lies_behind_a_new_checkpoint_no_longer_counts(runner, ran, failed):
    ran.broken["d"] = RuntimeError("down")
    runner.resume(failed, start_from="b")

    assert runner.preview_resume(failed).begun == ("d",)


def test_what_a_completed_run_did_after_its_newest_checkpoint_had_begun(runner, ran):
    ran.broken["check"] = RuntimeError("down")
    marked = [ran.step("fetch", checkpoint=True), ran.step("check", checkpoint=True), ran.step("pay", checkpoint=False)]
    run_id = runner.execute(ran.workflow(*marked)).run_id
    runner.resume(run_id, start_from="pay")

    assert runner.preview_resume(run_id, start_from="check").begun == ("check", "pay")
    runner.resume(run_id, start_from="check")
    assert runner.preview_resume(run_id).begun == ("check", "pay")


def test_a_name_that_the_command_line_could_not_split_is_told_for_python_alone(runner, ran):
    ran.broken["b"] = RuntimeError("down")
    run_id = runner.execute(ran.workflow("a=1", "b")).run_id
    runner.register(ran.workflow("n", "b"))

    with pytest.raises(DefinitionChanged, match=r"with renamed=\{old: new\}\. To go on"):
        runner.resume(run_id)


def test_a_step_that_was_put_in_and_never_began_keeps_nobody_waiting(runner, ran, failed):
    ran.broken["fix"] = RuntimeError("down")
    runner.register(ran.workflow("a", "b", "fix", "extra", "c", "d"))
    runner.resume(failed)
    runner.register(ran.workflow("a", "b", "fix", "c", "d"))

    preview = runner.preview_resume(failed)

    assert (preview.begun, preview.steps_gone) == (("fix", "c"), ())


def test_a_step_that_comes_back_is_known_to_have_begun(runner, ran, failed):
    ran.broken["x"] = RuntimeError("down")
    runner.register(ran.workflow("a", "b", "x", "d"))
    runner.resume(failed)
    runner.register(ran.workflow("a", "b", "x", "c", "d"))
    runner.resume(failed)

    assert runner.preview_resume(failed).begun == ("x", "c")
