"""Save after this step? The result decides, else the step, else the strategy."""

import pytest

from spine.errors import InvalidSetting
from spine.orchestration.checkpointing import CheckpointStrategy, parse_strategy, strategy_for, wants_checkpoint
from spine.orchestration.workflow import Workflow
from spine.steps.result import StepResult
from spine.steps.step import Step

EVERY, KEY = CheckpointStrategy.EVERY_STEP, CheckpointStrategy.KEY_STEPS


def step(checkpoint: bool | None = None) -> Step:
    return Step.lambda_(f"s{checkpoint}", lambda ctx, config: {}, checkpoint=checkpoint)


@pytest.mark.parametrize(
    ("result", "marked", "strategy", "wanted"),
    [
        (None, None, EVERY, True),
        (None, None, KEY, False),
        (None, True, EVERY, True),
        (None, True, KEY, True),
        (None, False, EVERY, False),
        (None, False, KEY, False),
        (True, False, KEY, True),
        (True, None, KEY, True),
        (False, True, EVERY, False),
    ],
)
def test_the_result_decides_else_the_step_else_the_strategy(result, marked, strategy, wanted):
    assert wants_checkpoint(step(marked), StepResult.ok(checkpoint=result), strategy) is wanted


def test_a_skip_is_saved_as_the_strategy_says():
    assert wants_checkpoint(step(), StepResult.skip("x"), EVERY)
    assert not wants_checkpoint(step(), StepResult.skip("x"), KEY)


@pytest.mark.parametrize(
    ("marks", "given", "strategy"),
    [
        ((None, None), None, EVERY),
        ((None, False), None, EVERY),
        ((None, True), None, KEY),
        ((None, True), EVERY, EVERY),
        ((None, None), KEY, KEY),
    ],
)
def test_marked_steps_mean_key_steps_unless_something_else_was_said(marks, given, strategy):
    steps = [Step.lambda_(f"s{place}", lambda ctx, config: {}, checkpoint=mark) for place, mark in enumerate(marks)]

    assert strategy_for(Workflow("w", steps), given) is strategy


def test_a_strategy_has_one_of_two_names():
    assert parse_strategy("key_steps") is KEY
    assert parse_strategy(EVERY) is EVERY
    assert parse_strategy(None) is None
    for wrong in ("sometimes", "", 5, [], True):
        with pytest.raises(InvalidSetting, match="there are: every_step, key_steps"):
            parse_strategy(wrong)
