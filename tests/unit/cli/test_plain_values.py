"""What the command line gives as JSON is the same in every process."""

from spine.cli import render

NAMES = ["pear", "fig", "apple", "date", "lime"]


def test_what_a_runner_with_a_wider_limit_kept_can_be_shown():
    assert len(render.plain(b"x" * 13_000_000)["$bytes"]) > 17_000_000


def test_sets_are_sorted_and_nothing_else():
    assert render.plain({"seen": set(NAMES)}) == {"seen": {"$set": sorted(NAMES)}}
    assert render.plain(frozenset([(2, 1), (1, 2)])) == {"$frozenset": [{"$tuple": [1, 2]}, {"$tuple": [2, 1]}]}
    assert render.plain({"given": tuple(NAMES)}) == {"given": {"$tuple": NAMES}}
    assert render.plain({"given": {None, 1, "a"}}) == {"given": {"$set": ["a", 1, None]}}
