"""How many columns text takes on a terminal, and how it is cut to fit."""

import pytest

from spine.cli.spelling import cut, width

VOWEL = "\u0e01\u0e34"  # Thai: a letter and a mark above it
CELLS = [("abc", 3), ("注文", 4), ("n\u0303", 1), (VOWEL, 1), ("한", 2), ("☃", 1), ("", 0)]


@pytest.mark.parametrize(("text", "columns"), CELLS)
def test_wide_letters_take_two_columns_and_marks_on_letters_none(text, columns):
    assert width(text) == columns


@pytest.mark.parametrize(
    ("text", "room", "expected"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcd…"),
        ("注文の処理", 10, "注文の処理"),
        ("注文の処理", 9, "注文の処…"),
        ("注文の処理", 8, "注文の…"),
        ("注文の処理", 2, "…"),
        (VOWEL * 5, 5, VOWEL * 5),
        (VOWEL * 6, 5, f"{VOWEL * 4}…"),
    ],
)
def test_text_is_cut_to_the_columns_there_are_and_never_inside_a_letter(text, room, expected):
    assert cut(text, room) == expected
