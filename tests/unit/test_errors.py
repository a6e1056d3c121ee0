"""One tree of exceptions."""

import pickle
from datetime import UTC, datetime

import pytest

from spine import errors
from spine.orchestration import __all__ as public

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)
CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, Exception) and value.__module__ == errors.__name__
]


def make(kind: type[Exception]) -> Exception:
    if kind is errors.NotStorable:
        return kind("outputs.load.rows[3]", "not a number")
    if kind is errors.RunIsHeld:
        return kind("held", holder="ann@host/1", expires_at=NOON)
    if kind is errors.RunFailed:
        return kind("failed", result="the result")
    return kind("text")


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_is_a_spine_error_that_everybody_can_import(kind):
    assert issubclass(kind, errors.SpineError)
    assert kind.__name__ in public
    assert kind.__doc__
    assert kind.__name__ in errors.__doc__


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_passes_between_processes(kind):
    error = make(kind)

    again = pickle.loads(pickle.dumps(error))

    assert (type(again), str(again), vars(again)) == (kind, str(error), vars(error))


def test_bad_input_is_a_value_error_too():
    assert issubclass(errors.InvalidInput, ValueError)
    assert make(errors.NotStorable).path == "outputs.load.rows[3]"
    assert str(make(errors.NotStorable)) == "outputs.load.rows[3]: not a number"
