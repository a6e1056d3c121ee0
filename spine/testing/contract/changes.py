"""What a store promises of contexts that grow: each output is kept once, and every context comes back whole."""

from dataclasses import replace

import pytest

from spine.errors import SnapshotCorrupt
from spine.records.checkpoint import Base
from spine.records.override import Override
from spine.records.quality import QualityMetrics
from spine.records.values import Values
from spine.stores.protocol import Store
from spine.testing.contract.drive import FAILED, driving, everything, holding, run_to, take_over

KIBIBYTE = "x" * 1024
STEPS = tuple(f"step{number}" for number in range(1, 13))


class ChangesContract:
    """What a store promises of contexts that grow."""

    def test_a_small_context_is_kept_whole(self, store: Store) -> None:
        with driving(store) as drive:
            for step in STEPS[:3]:
                drive.save(step)

        assert [kept.base_sequence for kept in store.list_checkpoints("run-1")] == [None, None, None]

    def test_a_large_context_is_kept_as_what_changed(self, store: Store) -> None:
        contexts = {}
        with driving(store) as drive:
            for step in STEPS:
                size = drive.save(step, {"text": KIBIBYTE}, quality=QualityMetrics(record_count=1))
                assert size < 2048
                contexts[step] = drive.context

        kept = store.list_checkpoints("run-1")
        assert [each.base_sequence for each in kept] == [None, *range(1, len(STEPS))]
        assert max(each.size for each in kept) < 2048
        for step, context in contexts.items():
            assert store.get_checkpoint("run-1", step).context == context
            assert list(store.get_checkpoint("run-1", step).step_outputs) == list(context.outputs)
        assert store.get_run("run-1").context == contexts[STEPS[-1]]

    def test_a_change_tells_of_params_and_what_lost_its_default(self, store: Store) -> None:
        params = {"day": "2026-01-10", "limit": 5}
        with driving(store, params=params) as drive:
            drive.context = replace(drive.context, defaulted=frozenset(params))
            drive.save("step1", {"text": KIBIBYTE * 3})
            drive.context = drive.context.with_params({"limit": 6})
            drive.save("step2", {"text": KIBIBYTE})
            drive.save("step3", {"text": KIBIBYTE})

        for step, limit, defaulted in (("step1", 5, {"day", "limit"}), ("step2", 6, {"day"}), ("step3", 6, {"day"})):
            context = store.get_checkpoint("run-1", step).context
            assert context.params == {"day": "2026-01-10", "limit": limit}
            assert context.defaulted == defaulted

    def test_a_context_that_lacks_what_its_base_had_is_whole(self, store: Store) -> None:
        with driving(store) as drive:
            drive.save("step1", {"text": KIBIBYTE * 3})
            drive.context = replace(drive.context, outputs={"step0": {"text": KIBIBYTE * 3}})
            drive.save("step2")

        assert [kept.base_sequence for kept in store.list_checkpoints("run-1")] == [None, None]
        assert list(store.get_checkpoint("run-1").step_outputs) == ["step0", "step2"]

    def test_a_context_in_another_order_than_its_base_is_whole(self, store: Store) -> None:
        with driving(store) as drive:
            drive.save("step1", {"text": KIBIBYTE * 3})
            drive.save("step2", {"text": "mine"})
            drive.context = replace(drive.context, outputs=dict(reversed([*drive.context.outputs.items()])))
            drive.save("step3")

        assert list(store.get_checkpoint("run-1").step_outputs) == ["step2", "step1", "step3"]

    def test_a_changed_entry_replaces_that_of_the_base(self, store: Store) -> None:
        with driving(store) as drive:
            drive.save("step1", {"text": KIBIBYTE * 3})
            drive.save("step2", {"text": "mine"})
            drive.context = replace(drive.context, outputs={**drive.context.outputs, "step2": {"text": "theirs"}})
            drive.save("step3")

        kept = store.list_checkpoints("run-1")[-1]
        assert (kept.base_sequence, kept.size < 1024) == (2, True)
        assert store.get_checkpoint("run-1").step_outputs["step2"] == {"text": "theirs"}
        assert list(store.get_checkpoint("run-1").step_outputs) == ["step1", "step2", "step3"]

    @pytest.mark.parametrize("removed", [("step1",), ("step2",), ("step3", "step2"), ("step1", "step2", "step4")])
    def test_what_builds_on_a_removed_checkpoint_tells_what_that_told(
        self, store: Store, removed: tuple[str, ...]
    ) -> None:
        run_to(store, FAILED, steps=())
        lease = take_over(store)
        contexts = {}
        with holding(store, lease, store.get_run("run-1").context) as drive:
            for step in STEPS[:5]:
                drive.context = drive.context.with_params({"newest": step})
                drive.save(step, {"text": KIBIBYTE}, quality=QualityMetrics(record_count=1))
                contexts[step] = drive.context
            drive.writer.end_run(FAILED)

        take_over(store, removed_steps=removed)

        left = [step for step in STEPS[:5] if step not in removed]
        assert [kept.step_name for kept in store.list_checkpoints("run-1")] == left
        for step in left:
            assert store.get_checkpoint("run-1", step).context == contexts[step]

    def test_going_back_leaves_what_the_next_change_builds_on(self, store: Store) -> None:
        with driving(store) as drive:
            for step in STEPS[:5]:
                drive.save(step, {"text": KIBIBYTE})
            drive.writer.end_run(FAILED)
        lease = take_over(store, removed_steps=STEPS[3:5])
        base = store.get_checkpoint("run-1", "step3")

        with holding(store, lease, base.context) as drive:
            drive.sequence, drive.base = 5, Base(sequence=base.sequence, context=base.context)
            drive.save("step4", {"text": "again"})

        assert [kept.base_sequence for kept in store.list_checkpoints("run-1")] == [None, 1, 2, 3]
        assert store.get_checkpoint("run-1").context == drive.context

    def test_renamed_steps_have_their_new_names_in_changes_too(self, store: Store) -> None:
        with driving(store) as drive:
            for step in STEPS[:3]:
                drive.save(step, {"text": KIBIBYTE}, quality=QualityMetrics(record_count=1))
            drive.writer.end_run(FAILED)

        take_over(store, renamed_steps={"step2": "second"})

        renamed = store.get_checkpoint("run-1").context
        assert list(renamed.outputs) == list(renamed.quality_metrics) == ["step1", "second", "step3"]

    def test_a_change_without_its_base_is_damage(self, store: Store) -> None:
        with driving(store) as drive:
            drive.save("step1", {"text": KIBIBYTE * 3})
            drive.base = Base(sequence=7, context=drive.context)
            drive.save("step2")

        with pytest.raises(SnapshotCorrupt, match="builds on an earlier one, and one of those is missing"):
            store.get_checkpoint("run-1")

    def test_what_a_run_was_told_is_kept_for_as_long_as_it_lives(self, store: Store) -> None:
        run_to(store, FAILED)
        before = everything(store).claimable
        override = Override(after=3, step="load", params=Values.of({"limit": 6}, at="params"))

        lease = take_over(store, overrides=(override,))
        shown = store.get_run("run-1")
        with holding(store, lease, shown.context) as drive:
            drive.sequence = 3
            drive.save("load")
            drive.writer.end_run(FAILED)

        assert before.overrides == ()
        assert shown.params == {"day": "2026-01-10", "limit": 6}
        assert store.get_claimable("run-1").overrides == (override,)
        assert store.delete_checkpoints("run-1") == 3
        assert store.get_run("run-1").params == {"day": "2026-01-10", "limit": 6}
