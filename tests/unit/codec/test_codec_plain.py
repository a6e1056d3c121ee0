"""What is told to be plain reads the same whether the quick way or the encoder wrote it."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from spine.codec import json as codec
from spine.codec.limits import DEFAULT_LIMITS
from spine.codec.plain import orders_if_plain

scalars = st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats() | st.text(max_size=4)
keys = st.sampled_from(["a", "b", "cc", "$", "$a", "\u00e9", "", "a\0"]) | st.text(max_size=2)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)


@given(values)
def test_the_quick_way_says_what_the_encoder_says(value):
    orders = orders_if_plain(value, DEFAULT_LIMITS)
    if orders is None:
        return
    slowly = codec._Encoder("value", DEFAULT_LIMITS).document(value)
    quickly = {codec.ORDER: orders, **value} if orders else value
    assert orjson.dumps(quickly, option=orjson.OPT_SORT_KEYS) == orjson.dumps(slowly, option=orjson.OPT_SORT_KEYS)
    assert repr(codec.decode(codec.encode(value))) == repr(value)


def test_most_of_what_steps_give_is_plain():
    assert orders_if_plain({"a": [1, 2.5, None, True, "\u00e9"], "bb": {"c": [{}]}}, DEFAULT_LIMITS) == []
    assert orders_if_plain({"rows": 3, "path": "x"}, DEFAULT_LIMITS) == [["rows", "path"]]
    assert orders_if_plain([{"rows": 3, "path": "x"}], DEFAULT_LIMITS) is None


def test_two_orders_of_the_same_keys_are_not_plain():
    ordered, unordered = {"path": 1, "rows": 2}, {"rows": 2, "path": 1}

    for value in ({"a": ordered, "b": unordered}, {"a": unordered, "b": ordered}):
        assert orders_if_plain(value, DEFAULT_LIMITS) is None
        assert repr(codec.decode(codec.encode(value))) == repr(value)
