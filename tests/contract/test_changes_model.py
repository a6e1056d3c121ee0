"""Any history of saves, rewrites and removals gives back exactly the contexts that were saved."""

import json
from contextlib import closing
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spine.records.checkpoint import Base
from spine.stores.open import open_store
from spine.testing.contract.drive import FAILED, create, driving, holding, new_run, take_over
from tests.contract.rows import Rows

NAMES = ("a", "bb", "c$", "$d", "ee")
texts = st.sampled_from(["", "short", "x" * 700, "y" * 1500, "z" * 3000])
saves = st.tuples(st.just("save"), st.sampled_from(NAMES), texts, st.none() | st.integers(0, 3))
removals = st.tuples(st.just("remove"), st.sets(st.sampled_from(NAMES), min_size=1, max_size=3))
histories = st.lists(saves | removals, min_size=1, max_size=12)
run_ids = map("run-{}".format, count())


@pytest.fixture
def store(store_url):
    with closing(open_store(store_url)) as store:
        yield store


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories)
def test_a_history_gives_back_what_was_saved(store, store_url, history):
    run_id = play(store, history)

    if not store_url.startswith("memory:"):
        with closing(Rows(store_url)) as rows:
            assert_the_view_tells_the_same(store, rows, run_id)


ODD = ["text", "7", None, True, False, 1.5, [1, "a"], 12345, {"a": [None, 1.0]}, {}]


def test_the_view_shows_outputs_that_a_given_context_had(sql_store, rows):
    outputs = {f"odd{number}": value for number, value in enumerate(ODD)}
    with driving(sql_store) as drive:
        drive.context = replace(drive.context, outputs={**outputs, "large": {"text": "x" * 3000}})
        drive.save("a")
        drive.save("b")

    query = "SELECT CAST(context AS TEXT) FROM core_workflow_contexts WHERE step_name = 'b'"
    shown = json.loads(rows.ask(query)[0][0])["outputs"]
    shown.pop("$order", None)
    assert shown == dict(drive.context.outputs)


def play(store, history):
    new = new_run(next(run_ids), params={})
    told = Story(store, new, create(store, new))
    for what, *rest in history:
        if what == "remove":
            told.remove(rest[0])
        else:
            told.save(*rest)
        assert_kept(store, new.run_id, told.saved)
    return new.run_id


class Story:
    """A run and what its checkpoints should say, by step."""

    def __init__(self, store, new, lease):
        self.store, self.run_id, self.lease = store, new.run_id, lease
        self.saved, self.context, self.sequence = {}, new.context, 0

    def save(self, step, text, number):
        """Save a step again or for the first time; what came after it goes first, as when a run goes back."""
        later = list(self.saved)[list(self.saved).index(step) + 1 :] if step in self.saved else []
        if later:
            self.remove(later)
        with holding(self.store, self.lease, self.context) as drive:
            earlier = [kept for name, kept in self.saved.items() if name != step]
            drive.sequence, drive.base = self.sequence, earlier[-1] if earlier else None
            if number is not None:
                drive.context = drive.context.with_params({"number": number})
            drive.save(step, {"text": text, "sequence": self.sequence})
            self.context, self.sequence = drive.context, drive.sequence
        self.saved.pop(step, None)
        self.saved[step] = Base(sequence=self.sequence, context=self.context)

    def remove(self, steps):
        with holding(self.store, self.lease, self.context) as drive:
            drive.writer.end_run(FAILED)
        self.lease = take_over(self.store, self.run_id, removed_steps=tuple(steps))
        self.saved = {step: kept for step, kept in self.saved.items() if step not in steps}


def assert_kept(store, run_id, saved):
    assert [kept.step_name for kept in store.list_checkpoints(run_id)] == list(saved)
    for step, expected in saved.items():
        kept = store.get_checkpoint(run_id, step)
        assert (kept.sequence, kept.context) == (expected.sequence, expected.context)
        for name in ("params", "outputs", "quality_metrics"):
            assert list(getattr(kept.context, name).items()) == list(getattr(expected.context, name).items())


def assert_the_view_tells_the_same(store, rows, run_id):
    query = "SELECT step_name, CAST(context AS TEXT) FROM core_workflow_contexts WHERE run_id = ?"
    for step, text in rows.ask(query, run_id):
        shown, context = json.loads(text), store.get_checkpoint(run_id, step).context
        assert shown["params"] == dict(context.params)
        told = {name.replace("$", "$$", 1) if name[0] == "$" else name: told for name, told in context.outputs.items()}
        assert {name: entry for name, entry in shown["outputs"].items() if name != "$order"} == told
        assert (shown["run_id"], shown["step_name"]) == (run_id, step)
