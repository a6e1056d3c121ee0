"""What is read of JSON that somebody gives: the tagged forms, beside keys of any name."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from spine.cli.render import plain
from spine.codec.given import read_object

VALUES = [
    date(2026, 1, 12),
    datetime(2026, 1, 12, 6, 30, tzinfo=UTC),
    time(6, 30),
    timedelta(days=-1, seconds=5),
    Decimal("1.10"),
    UUID(int=7),
    b"\0\xff",
    2**70,
    "lone \ud800 and \0",
    "\ud83d\ude00",
    {"\ud83d\ude00": 1},
    (1, [2, (3,)], {"$date": "no date", "$$twice": {"$ref": 1}}),
    {date(2026, 1, 12), None, 1},
    frozenset([(1, 2)]),
    {1: "one", (2,): {"$set": 1}},
    {"$date": {"$date": "2026-01-12"}},
    {"": None, "$": 1, "a": [True, 1.5, {}]},
]


def read(text):
    return json.loads(text, object_pairs_hook=lambda pairs: read_object(dict(pairs)))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_what_the_command_line_shows_as_json_is_read_as_the_value_that_it_was(value):
    back = read(json.dumps({"given": plain(value)}))["given"]

    assert back == value
    assert repr(back) == repr(value) or type(back) in (set, frozenset)


@pytest.mark.parametrize(
    "text",
    [
        '{"$ref": "orders"}',
        '{"$": 1, "$schema": {"$id": 2}}',
        '{"$date": "2026-01-12", "of": "the order"}',
        '{"$oid": "5f"}',
        '{"$order": [["a"]], "a": {"date": "2026-01-12"}}',
    ],
)
def test_keys_that_begin_with_a_dollar_and_make_no_tagged_form_stay_as_they_are(text):
    assert read(text) == json.loads(text)


def test_values_that_people_write_need_not_be_spelled_as_the_codec_does():
    assert read('{"$int": "12"}') == 12
    assert read('{"$datetime": "2026-01-12T06Z"}') == datetime(2026, 1, 12, 6, tzinfo=UTC)
    assert read('{"$set": [2, 1, 2]}') == {1, 2}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"$date": "soon"}', "'$date' with 'soon', which is no date; write '$$date' for a key '$date'"),
        ('{"$date": 20260112}', "'$date' with 20260112, which is no date"),
        ('{"$decimal": "1,10"}', "'$decimal' with '1,10', which is no decimal"),
        ('{"$set": {"a": 1}}', "'$set' with {'a': 1}, which is no set"),
        ('{"$set": [[1]]}', "which is no set"),
        ('{"$set": "abc"}', "which is no set"),
        ('{"$dict": ["a"]}', "which is no dict"),
        ('{"$dict": ["a", 1, "a", 2]}', "which is no dict"),
        ('{"$parts": [1]}', "which is no parts"),
        ('{"$timedelta": [true, 1.5, 0]}', "which is no timedelta"),
        ('{"$datetime": "2026-01-12T06:00:00+00:00[Mars/Base]"}', "which is no datetime"),
        ('{"$secret": ""}', "which is no secret"),
        ('{"$a": 1, "$$a": 2}', "'$a' and '$$a', which mean the same key; leave one of them out"),
    ],
)
def test_a_tag_with_what_it_does_not_tag_is_refused_with_what_to_write(text, told):
    with pytest.raises(ValueError, match="which") as caught:
        read(text)

    assert told in str(caught.value)
