"""Whatever the codec takes comes back equal, also from a database that reprints JSON as PostgreSQL's JSONB does."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spine.codec import json as codec
from spine.records.values import Values
from tests.unit.codec.spelling import jsonb, spelled

SECOND = timedelta(seconds=1)  # Python reads no shorter offset back
FEW = settings(deadline=None, max_examples=60)


def is_ambiguous(moment: datetime) -> bool:
    """Tell whether there are two such moments, when clocks are put back."""
    return moment.tzinfo is not None and moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()


halves_and_whole = "\ud83d\ude00😀\\\0a"  # two halves of a character are not that character
text = st.text(alphabet=st.characters(exclude_categories=()), max_size=8) | st.text(halves_and_whole, max_size=5)
offsets = st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).filter(lambda offset: abs(offset) >= SECOND)
fixed_zones = (st.integers(-1439, 1439).map(lambda minutes: timedelta(minutes=minutes)) | offsets).map(timezone)
zones = st.none() | st.just(UTC) | fixed_zones | st.timezones(no_cache=False)
moments = (
    st.datetimes(timezones=zones, allow_imaginary=False)
    .filter(lambda moment: 1 < moment.year < 9999)
    .map(lambda moment: moment if is_ambiguous(moment) else moment.replace(fold=0))
)
times = st.times(timezones=st.none() | fixed_zones).map(lambda clock: clock.replace(fold=0))
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_subnormal=True)
    | text
    | st.binary(max_size=8)
    | moments
    | st.dates()
    | times
    | st.timedeltas()
    | st.decimals()
    | st.uuids()
)
hashables = st.recursive(
    scalars.filter(lambda value: not (isinstance(value, Decimal) and value.is_snan())),
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3),
    max_leaves=4,
)
keys = st.sampled_from(["", "a", "b", "aa", "é", "$date", "$", "$order", "\0", "\ud800", "long key"]) | hashables
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.sets(hashables, max_size=4)
        | st.frozensets(hashables, max_size=4)
        | st.dictionaries(keys, inner, max_size=5)
    ),
    max_leaves=12,
)


@FEW
@given(trees)
def test_any_tree_of_accepted_values_comes_back_with_its_types_and_order(tree):
    assert spelled(codec.decode(codec.encode(tree))) == spelled(tree)


@FEW
@given(trees)
def test_what_jsonb_does_to_a_document_changes_nothing(tree):
    assert spelled(codec.decode(jsonb(codec.encode(tree)))) == spelled(tree)


@FEW
@given(trees)
def test_encoding_is_the_same_each_time_and_after_a_round_trip(tree):
    first = codec.encode(tree)

    assert codec.encode(tree) == first
    assert codec.encode(codec.decode(first)) == first


@FEW
@given(st.dictionaries(text, trees, max_size=5))
def test_joined_entries_come_apart_in_their_order(entries):
    encoded = [(name, codec.encode(value)) for name, value in entries.items()]

    apart = codec.split(orjson.loads(jsonb(codec.join(dict(encoded))))) if _is_storable(entries) else dict(encoded)

    assert list(apart) == list(entries)
    assert spelled({name: codec.decode(value) for name, value in apart.items()}) == spelled(entries)


def _is_storable(entries: dict) -> bool:
    """Entry names are checked before `join`: Values takes no NUL and no lone surrogate."""
    try:
        Values.of(entries, at="x")
    except ValueError:
        return False
    return True


@FEW
@given(text)
def test_damaged_documents_are_value_errors(junk):
    broken = json.dumps({"$datetime": junk, "a": 1}).encode()

    with pytest.raises(ValueError, match=r".*"):
        codec.decode(broken)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"{",
        b"[1,",
        b"nul",
        b'{"$nothing": 1}',
        b'{"$date": "2026-13-01"}',
        b'{"$date": 5}',
        b'{"$bytes": "?"}',
        b'{"$dict": [1]}',
        b'{"$dict": [[], 1]}',
        b'{"$set": [[]]}',
        b'{"$int": "x"}',
        b'{"$timedelta": [1]}',
        b'{"$decimal": "1", "$date": "2026-01-10"}',
        b'{"$order": 5, "a": 1}',
        b'{"$order": [5], "a": 1}',
        b'{"$order": [[[1]]]}',
        b'{"$order": [[1]], "a": 1}',
        b'{"$uuid": null}',
        b'{"a": {"$order": []}}',
    ],
)
def test_damage_is_found_when_it_is_read(damaged):
    with pytest.raises(ValueError, match=r".*"):
        codec.decode(damaged)


def test_a_set_is_written_alike_whatever_its_order():
    one, other = {frozenset({1, 2}), frozenset({"b", "a"})}, {frozenset({"a", "b"}), frozenset({2, 1})}

    assert codec.encode(one) == codec.encode(other)
    assert codec.encode([frozenset(f"{n}" for n in range(50))]) == codec.encode(
        [{f"{n}" for n in range(50, -1, -1)} - {"50"}]
    ).replace(b"$set", b"$frozenset")


def test_plain_documents_stay_plain():
    document = {"record_count": 1000, "storage_path": "s3://bucket/a", "rate": 0.25, "tags": ["x", None, True]}

    assert json.loads(codec.encode(document, at="output")) | {"$order": 0} == document | {"$order": 0}
    assert codec.encode({"a": 1, "b": [1.5, "x"]}) == b'{"a":1,"b":[1.5,"x"]}'


def test_decimals_keep_their_digits():
    assert str(codec.decode(codec.encode(Decimal("1.100")))) == "1.100"
