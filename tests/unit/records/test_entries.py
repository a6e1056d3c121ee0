"""Entries grow without being copied, and nobody who holds some of them sees the growth."""

import sys
import threading

from hypothesis import given
from hypothesis import strategies as st

from spine.records.entries import Entries

names = st.sampled_from("abcdefgh")
steps = st.lists(st.tuples(st.integers(0, 9), st.dictionaries(names, st.binary(max_size=3), max_size=3)), max_size=20)


@given(steps)
def test_each_is_a_dict_of_its_own(steps):
    grown, plain = [Entries()], [{}]
    for place, added in steps:
        grown.append(grown[place % len(grown)].merged(added))
        plain.append({**plain[place % len(plain)], **added})

    for entries, expected in zip(grown, plain, strict=True):
        assert list(entries.items()) == list(expected.items())
        assert {name for name in "abcdefgh" if name in entries} == set(expected)
        assert entries.size == Entries(expected).size
    for newer, new in zip(grown, plain, strict=True):
        for older, old in zip(grown, plain, strict=True):
            since = newer.since(older)
            assert (since is None) == (list(old) != list(new)[: len(old)])
            assert since is None or since == {name: text for name, text in new.items() if old.get(name) != text}


def test_what_grows_shares_what_there_was():
    entries, nothing = Entries(), Entries()
    for number in range(20_000):
        entries = entries.merged({str(number): b"1"})

    assert len(entries) == 20_000
    assert entries.merged({"one more": b"1"}).since(entries) == {"one more": b"1"}
    assert sys.getsizeof(entries) == sys.getsizeof(nothing)


def test_two_threads_that_add_to_the_same_entries_do_not_see_each_other():
    for _ in range(200):
        entries, gate, grown = Entries({"a": b"1"}), threading.Barrier(2), {}

        def grow(name, entries=entries, gate=gate, grown=grown):
            gate.wait(20)
            grown[name] = entries.merged({name: b"2"})

        threads = [threading.Thread(target=grow, args=(name,)) for name in "xy"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert {name: dict(found) for name, found in grown.items()} == {name: {"a": b"1", name: b"2"} for name in "xy"}
