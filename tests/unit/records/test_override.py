"""What a run was told, claim after claim."""

import itertools

import pytest

from spine.records.context import WorkflowContext
from spine.records.override import Override, followed, overridden, since
from spine.records.values import Values

STORED = WorkflowContext(run_id="r", workflow_name="w", params=Values.of({"p": "stored"}, at="params"))


def told(after: int, step: str, context: str | None = None, **params: object) -> Override:
    given = None if context is None else STORED.with_params(Values.of({"p": context}, at="params"))
    return Override(after=after, step=step, params=Values.of(params, at="params"), context=given)


def test_a_context_that_is_given_again_and_again_is_kept_once():
    overrides: tuple[Override, ...] = ()
    for number in range(100):
        overrides = followed(overrides, told(2, "c", f"given {number}", q=number))

    assert sum(each.context is not None for each in overrides) == 1
    assert len(overrides) == 2


@pytest.mark.parametrize("reached", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_what_is_kept_says_the_same_as_all_that_was_told(reached):
    each = [
        told(1, "b", "given b", q=1),
        told(1, "b", r=2),
        told(1, "b", "again b"),
        told(1, "c", "given c", s=3),
        told(2, "c", "later c", q=4),
        told(2, "b", q=5),
        told(2, "c", "last c", r=6),
    ]
    for said in itertools.permutations(each, 4):
        in_order = sorted(said, key=lambda override: override.after)
        kept: tuple[Override, ...] = ()
        for override in in_order:
            kept = followed(kept, override)
        for sequence in (0, 1, 2):
            expected = overridden(STORED, in_order, sequence=sequence, reached=reached)

            assert overridden(STORED, kept, sequence=sequence, reached=reached) == expected


def test_contexts_that_come_to_stand_after_one_checkpoint_are_kept_once():
    overrides: tuple[Override, ...] = ()
    for number in range(10):
        overrides = followed(since(overrides, 1), told(3, "c", f"given {number}"))

    assert [(each.after, each.step) for each in overrides] == [(1, "c"), (3, "c")]
