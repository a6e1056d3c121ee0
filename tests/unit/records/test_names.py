"""What a run id, a name and a reason may look like."""

import pytest

from spine.errors import InvalidInput, InvalidName
from spine.records.names import check_name, check_reason, check_run_id

BAD = ["", " ", " a", "a ", "a\n", "a\0b", "\ud800", "\u200b", "\u202e", "\x1b[0m", "\x7f", "\u2028"]
WRONG_TYPES = [None, 5, b"a", ["a"], ("a",), True, type("Text", (str,), {})("a")]
ONLY_TEXT = [
    "a",
    "A",
    "é",
    "日本",
    "😀",
    "a b",
    "a/../b",
    "'; DROP TABLE runs; --",
    "<script>",
    "%s{}$1",
    "-x",
    "$order",
]


@pytest.mark.parametrize("name", ONLY_TEXT)
def test_metacharacters_are_just_text(name):
    assert check_run_id(name) == name
    assert check_name(name, "a name") == name


@pytest.mark.parametrize("name", [*BAD, *WRONG_TYPES])
def test_the_rest_is_refused(name):
    with pytest.raises(InvalidName, match="a run id must"):
        check_run_id(name)
    with pytest.raises(InvalidInput, match="a step's name must"):
        check_name(name, "a step's name")


def test_lengths_are_counted_in_characters():
    assert check_run_id("é" * 36)
    assert check_name("😀" * 100, "a name")
    with pytest.raises(InvalidName, match="1 to 36 characters, not 37"):
        check_run_id("x" * 37)
    with pytest.raises(InvalidName, match="1 to 100 characters, not 1000000") as refused:
        check_name("x" * 1_000_000, "a name")
    assert len(str(refused.value)) < 200


def test_a_reason_is_text_of_some_lines():
    assert check_reason(None) is None
    assert check_reason("the target was down\nsee ticket 5") == "the target was down\nsee ticket 5"


@pytest.mark.parametrize("reason", [5, b"a", ["a"], "a\0", "\ud800", "x" * 1001])
def test_a_reason_that_is_no_text_is_refused(reason):
    with pytest.raises(InvalidName, match="a reason must be text"):
        check_reason(reason)
