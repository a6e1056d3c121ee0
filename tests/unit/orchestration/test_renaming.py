"""Steps that were renamed since a run took them: pure translation of what is stored, and what is refused."""

from datetime import UTC, datetime

import pytest

from spine.errors import InvalidName, InvalidSetting, StepNotFound
from spine.orchestration.renaming import parse_renamed, restore, translate_checkpoints, translate_run
from spine.orchestration.resume import ResumeRequest, locate
from spine.orchestration.workflow import Workflow
from spine.records.checkpoint import CheckpointSummary
from spine.records.context import WorkflowContext
from spine.records.quality import QualityMetrics
from spine.records.resume_point import ResumePoint
from spine.records.run import ClaimableRun, RunStatus
from spine.steps.step import Step

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)


def workflow(names: str) -> Workflow:
    """One letter a step."""
    return Workflow("letters", [Step.lambda_(name, lambda ctx, config: {}) for name in names])


def run(names: str = "abcd", **fields) -> ClaimableRun:
    values = {"status": RunStatus.FAILED, "definition": workflow(names).definition()} | fields
    return ClaimableRun(run_id="1", workflow_name="letters", created_at=NOON, updated_at=NOON, **values)


def row(step: str, next_step: str | None, sequence: int, **metadata) -> CheckpointSummary:
    return CheckpointSummary(
        run_id="1",
        workflow_name="letters",
        step_name=step,
        sequence=sequence,
        next_step=next_step,
        metadata=metadata,
        created_at=NOON,
        updated_at=NOON,
        size=2,
    )


def test_a_run_reads_as_if_its_steps_had_always_had_their_new_names():
    before = run(current_step="c", error_step="c")

    after = translate_run(before, workflow("axyd"), {"b": "x", "c": "y"})

    assert after.definition.names == ("a", "x", "y", "d")
    assert (after.current_step, after.error_step) == ("y", "y")


def test_what_a_claim_was_told_is_translated_with_the_context_it_was_given():
    context = WorkflowContext(
        run_id="1",
        workflow_name="letters",
        params={"b": 1},
        outputs={"c": {"n": 3}, "b": {"n": 2}},
        quality_metrics={"b": QualityMetrics(record_count=2)},
    )
    before = run(resume_point=ResumePoint(step="c", skipped=("a", "b"), context=context))

    point = translate_run(before, workflow("axyd"), {"b": "x", "c": "y"}).resume_point

    assert (point.step, point.skipped) == ("y", ("a", "x"))
    assert point.context.outputs == {"y": {"n": 3}, "x": {"n": 2}}
    assert list(point.context.outputs) == ["y", "x"]
    assert point.context.quality_metrics == {"x": QualityMetrics(record_count=2)}
    assert point.context.params == {"b": 1}


def test_checkpoints_are_translated_with_the_steps_they_tell_of():
    rows = [row("a", "b", 1, attempt=1), row("c", "d", 2, skipped=["b"]), row("d", None, 3)]

    after = translate_checkpoints(rows, {"b": "x", "d": "y"})

    assert [(each.step_name, each.next_step) for each in after] == [("a", "x"), ("c", "y"), ("y", None)]
    assert [each.metadata for each in after] == [{"attempt": 1}, {"skipped": ["x"]}, {}]


@pytest.mark.parametrize("names", ["ab", "abcd"])
def test_without_a_renaming_nothing_is_touched(names):
    before, rows = run(), [row("a", "b", 1)]

    assert translate_run(before, workflow(names), {}) is before
    assert translate_checkpoints(rows, {}) == rows


@pytest.mark.parametrize(
    ("now", "renamed", "place"),
    [
        ("axcd", {"b": "x"}, 2),
        ("bacd", {"a": "b", "b": "a"}, 2),
        ("bxcd", {"a": "b", "b": "x"}, 2),
        ("abxd", {"c": "x"}, 2),
        ("abcd", {"a": "a"}, 2),
    ],
)
def test_a_renamed_run_goes_on_where_it_stood(now, renamed, place):
    rows = [row("a", "b", 1), row("b", "c", 2)]
    translated = translate_run(run(), workflow(now), renamed)

    position = locate(workflow(now), translated, translate_checkpoints(rows, renamed), ResumeRequest())

    assert position.index == place
    assert position.base.step_name == renamed.get("b", "b")
    assert position.removed == ()


def test_names_can_be_taken_back():
    assert restore(("b", "x", "c"), {"a": "b", "b": "x"}) == ("a", "b", "c")


@pytest.mark.parametrize(
    ("renamed", "error", "said"),
    [
        ({"z": "x"}, StepNotFound, r"run '1' has no step 'z' that could be renamed; its steps are: a, b, c, d"),
        ({"b": "z"}, StepNotFound, r"workflow 'letters' has no step 'z'; its steps are: a, x, c, d, e"),
        ({"b": "a"}, InvalidSetting, r"step 'b' cannot be renamed to 'a': run '1' has another step of that name"),
        ({"b": "c"}, InvalidSetting, r"another step of that name"),
    ],
)
def test_a_renaming_that_fits_neither_run_nor_workflow_is_refused(renamed, error, said):
    with pytest.raises(error, match=said):
        translate_run(run(), workflow("axcde"), renamed)


def test_a_context_in_which_two_steps_would_get_one_name_is_refused():
    context = WorkflowContext(run_id="1", workflow_name="letters", outputs={"b": {}, "x": {}})
    before = run(resume_point=ResumePoint(step="c", context=context))

    with pytest.raises(InvalidSetting, match="two steps would be called 'x'"):
        translate_run(before, workflow("axcd"), {"b": "x"})


@pytest.mark.parametrize(
    ("renamed", "error"),
    [
        ("a=b", InvalidSetting),
        (["a", "b"], InvalidSetting),
        (5, InvalidSetting),
        ({"a": 5}, InvalidName),
        ({5: "a"}, InvalidName),
        ({"a": ""}, InvalidName),
        ({"a": " b"}, InvalidName),
        ({"a": "x" * 101}, InvalidName),
        ({"a": "x", "b": "x"}, InvalidSetting),
    ],
)
def test_a_renaming_must_be_a_mapping_of_names_to_different_names(renamed, error):
    with pytest.raises(error):
        parse_renamed(renamed)


def test_no_renaming_is_an_empty_one():
    assert parse_renamed(None) == parse_renamed({}) == {}
    assert parse_renamed({"a": "b"}) == {"a": "b"}
