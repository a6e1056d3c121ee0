"""What a step gives back, and what becomes of what it returned or raised."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from spine.errors import (
    LeaseLost,
    NotStorable,
    RunFailed,
    RunIsHeld,
    StoreBusy,
    StoreFull,
    StoreUnavailable,
    type_of,
)
from spine.records.context import WorkflowContext
from spine.records.quality import QualityMetrics
from spine.records.values import Values
from spine.steps.result import ErrorCategory, Outcome, StepResult, category_of, clipped


def judged(returned, *, nothing_is_fine=False) -> StepResult:
    return StepResult.of(returned, nothing_is_fine=nothing_is_fine)


def test_a_mapping_is_the_output():
    assert judged({"rows": 1}) == StepResult.ok({"rows": 1})
    assert judged(Values.of({"rows": 1}, at="x")) == StepResult.ok({"rows": 1})


def test_returning_nothing_is_fine_only_where_it_is_said():
    assert judged(None, nothing_is_fine=True) == StepResult.ok()
    assert judged(None).outcome is Outcome.FAILED
    assert judged(None).error == "the step returned nothing; return a mapping (its output) or a StepResult"


@pytest.mark.parametrize("returned", [[], (), "text", 0, True, object(), {1, 2}, StepResult])
def test_anything_else_fails_the_step(returned):
    result = judged(returned, nothing_is_fine=True)

    assert (result.outcome, result.error_type, result.category) == (Outcome.FAILED, "InvalidResult", "internal")
    assert f"returned {type_of(returned)};" in result.error


@pytest.mark.parametrize("wrong", [[], "text", 5, {1}, 0, ""])
@pytest.mark.parametrize("name", ["output", "context_updates", "metadata", "quality"])
def test_a_result_with_a_part_of_the_wrong_shape_fails_the_step(name, wrong):
    result = judged(StepResult.ok(**{name: wrong}))

    assert (result.outcome, result.error_type) == (Outcome.FAILED, "InvalidResult")
    assert f"the {name} of a StepResult must be" in result.error


@pytest.mark.parametrize("checkpoint", ["yes", 2, [], 0.5, 1, 0])
def test_checkpoint_is_true_false_or_none(checkpoint):
    assert "checkpoint of a StepResult must be" in judged(StepResult.ok(checkpoint=checkpoint)).error


def test_a_result_made_by_hand_is_judged_too():
    made = StepResult(outcome="failed", error=ValueError("x\0"), error_type=7, category="transient")

    assert judged(made) == StepResult(
        outcome=Outcome.FAILED, error="x\\0", error_type="7", category=ErrorCategory.TRANSIENT
    )
    bare = judged(StepResult(outcome=Outcome.FAILED))
    assert (bare.error, bare.error_type, bare.category) == ("StepFailed", "StepFailed", "internal")
    with pytest.raises(ValueError, match="weird"):
        judged(StepResult(outcome="weird"))
    with pytest.raises(ValueError, match="weird"):
        judged(StepResult(outcome="failed", category="weird"))


class Trap(Mapping):
    """A mapping that raises when it is read."""

    def __getitem__(self, name: str) -> object:
        raise RuntimeError("sprung")

    def __iter__(self) -> Iterator[str]:
        return iter("ab")

    def __len__(self) -> int:
        return 2


@pytest.mark.parametrize("returned", [Trap(), StepResult.ok(Trap()), StepResult.ok(metadata=Trap())])
def test_a_mapping_is_read_while_the_step_can_still_fail(returned):
    with pytest.raises(RuntimeError, match="sprung"):
        judged(returned)


def test_quality_may_be_a_plain_mapping():
    result = judged(StepResult.ok(quality={"passed": False, "record_count": 2, "null_rate": 0.5}))

    assert isinstance(result.quality, QualityMetrics)
    assert (result.quality.passed, result.quality.record_count, result.quality["null_rate"]) == (False, 2, 0.5)


@pytest.mark.parametrize("numbers", [{"self": 1}, {"cls": 1}, {1: 2}], ids=str)
def test_the_numbers_of_a_quality_may_have_any_name(numbers):
    result = judged(StepResult.ok(quality=numbers))

    assert isinstance(result.quality, QualityMetrics)
    assert dict(result.quality) == {"passed": True, **numbers}


def test_what_was_returned_is_copied():
    output = {"rows": 1}

    result = judged(output)
    output["rows"] = 2

    assert result.output == {"rows": 1}


def test_a_failure_says_what_and_of_which_category():
    result = StepResult.fail("too many nulls", ErrorCategory.DATA_QUALITY, quality=QualityMetrics(passed=False))

    assert (result.outcome, result.error, result.error_type) == (Outcome.FAILED, "too many nulls", "StepFailed")
    assert result.category == "data_quality"
    assert StepResult.fail("x").category is ErrorCategory.INTERNAL
    assert StepResult.fail("x", "transient").category is ErrorCategory.TRANSIENT
    assert StepResult.fail(TimeoutError("slow")).error_type == "TimeoutError"
    assert StepResult.fail(TimeoutError("slow")).category is ErrorCategory.TIMEOUT
    assert StepResult.fail(TimeoutError("slow"), "dependency").category is ErrorCategory.DEPENDENCY
    with pytest.raises(ValueError, match="nonsense"):
        StepResult.fail("x", "nonsense")


class WorkflowRun(NamedTuple):
    error_category: str | None


@pytest.mark.parametrize(
    ("error", "category"),
    [
        (TimeoutError(), "timeout"),
        (ConnectionResetError(), "transient"),
        (ImportError(), "configuration"),
        (StoreBusy("locked"), "transient"),
        (StoreUnavailable("away"), "transient"),
        (StoreFull("no space left"), "transient"),
        (LeaseLost("taken"), "transient"),
        (RunIsHeld("held", holder="ann", expires_at=datetime.now(UTC)), "transient"),
        (RunFailed("failed", result=WorkflowRun(error_category="data_quality")), "data_quality"),
        (RunFailed("cancelled", result=WorkflowRun(error_category=None)), "dependency"),
        (RunFailed("somebody's own", result=None), "dependency"),
        (NotStorable("a", "b"), "configuration"),
        (ValueError(), "internal"),
        (KeyError("x"), "internal"),
        (MemoryError(), "internal"),
    ],
)
def test_an_exception_has_a_category(error, category):
    assert category_of(error) == category


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Liar(Exception):
    def __str__(self):
        return 5  # noqa: PLE0307


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("wrong"), "wrong"),
        (ValueError(), "ValueError"),
        (ValueError(""), "ValueError"),
        (KeyError("k"), "'k'"),
        (Mute(), "Mute"),
        (Liar(), "Liar"),
        (RecursionError("deep"), "deep"),
        (SystemExit(3), "3"),
        (ValueError("a\0b\ud800\n😀"), "a\\0b\\ud800\n😀"),
    ],
)
def test_the_text_of_an_exception_is_storable_everywhere(error, text):
    result = StepResult.from_exception(error)

    assert result.error == text
    assert result.error_type == type(error).__name__
    result.error.encode()


def test_long_texts_are_cut():
    assert len(StepResult.from_exception(ValueError("x" * 10**7)).shortened().error) == 4000
    assert StepResult.fail("x" * 5000).shortened().error.endswith("x...")
    assert len(clipped("\0\ud800" * 4000)) < 30_000
    assert len(StepResult.from_exception(type("E" * 500, (Exception,), {})()).error_type) == 200


def test_a_skip_and_a_failure_may_say_nothing():
    assert judged(StepResult.skip()).reason is None
    assert judged(StepResult.skip(None)).reason is None
    assert judged(StepResult.fail(None)).error == "StepFailed"


def test_a_skip_says_why():
    result = judged(StepResult.skip("already loaded\0"))

    assert (result.outcome, result.reason) == (Outcome.SKIPPED, "already loaded\\0")


@pytest.mark.parametrize(
    "given", [{"output": {"rows": 1}}, {"context_updates": {"rows": 1}}, {"quality": {"passed": 1}}]
)
def test_a_skip_gives_nothing_that_would_be_dropped(given):
    result = judged(StepResult(outcome=Outcome.SKIPPED, reason="already loaded", **given))

    assert (result.outcome, result.error_type) == (Outcome.FAILED, "InvalidResult")
    assert "use StepResult.ok" in result.error


def test_a_category_that_there_is_not_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="'bogus' is not a category of errors; there are: transient, data_quality, "):
        StepResult.fail("no", "bogus")


def test_a_traceback_ends_in_the_users_own_code():
    def step():
        return WorkflowContext(run_id="r", workflow_name="w").outputs["load"]

    with pytest.raises(KeyError) as raised:
        step()
    places = [line for line in StepResult.from_exception(raised.value).traceback.splitlines() if "File" in line]

    assert [f'"{__file__}"' in place for place in places] == [True, True]
