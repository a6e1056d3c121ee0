"""What a store promises of steps that were renamed: after the claim all reads as if they had always been called so."""

from collections.abc import Mapping

import pytest

from spine.errors import SnapshotCorrupt
from spine.records.checkpoint import Checkpoint
from spine.records.quality import QualityMetrics
from spine.stores.protocol import Store
from spine.testing.contract.drive import COMPLETED, FAILED, claim_of, driving, everything, holding, run_to, take_over


class RenamingContract:
    """What a store promises of renamed steps."""

    def test_a_claim_gives_steps_their_new_names_wherever_they_are_written(self, store: Store) -> None:
        _two_steps_done(store)

        take_over(store, renamed_steps={"extract": "fetch", "load": "store"})

        first, second = _checkpoints(store)
        assert (first.step_name, first.next_step) == ("fetch", "transform")
        assert (second.step_name, second.next_step) == ("transform", "store")
        assert first.step_outputs == {"fetch": {"rows": 3}}
        assert second.step_outputs == {"fetch": {"rows": 3}, "transform": {"rows": 2}}
        assert second.context.quality_metrics == {"fetch": QualityMetrics(record_count=3)}
        assert second.metadata == {"attempt": 1, "skipped": ["fetch", "between"]}
        assert store.get_run("run-1").context == second.context

    def test_a_renamed_step_keeps_its_place_among_the_keys_and_its_times(self, store: Store) -> None:
        _two_steps_done(store)
        before = _checkpoints(store)

        take_over(store, renamed_steps={"extract": "a step with a longer name than the others"})

        after = _checkpoints(store)
        assert list(after[1].step_outputs) == ["a step with a longer name than the others", "transform"]
        assert [kept.sequence for kept in after] == [1, 2]
        assert [(kept.created_at, kept.updated_at) for kept in after] == [
            (kept.created_at, kept.updated_at) for kept in before
        ]
        assert after[0].context_snapshot["step_name"] == after[0].step_name
        assert after[0].context_snapshot["metadata"] == before[0].context_snapshot["metadata"]
        assert after[1].size > before[1].size

    @pytest.mark.parametrize(
        ("renamed", "names"),
        [
            ({"extract": "transform", "transform": "extract"}, ["transform", "extract", "load"]),
            ({"extract": "transform", "transform": "load", "load": "done"}, ["transform", "load", "done"]),
            ({"extract": "load", "transform": "extract", "load": "transform"}, ["load", "extract", "transform"]),
            ({"load": "transform", "transform": "extract", "extract": "first"}, ["first", "extract", "transform"]),
        ],
        ids=["swap", "chain", "circle", "chain backwards"],
    )
    def test_steps_may_take_the_names_of_each_other(
        self, store: Store, renamed: Mapping[str, str], names: list[str]
    ) -> None:
        run_to(store, COMPLETED)

        take_over(store, renamed_steps=renamed)

        kept = _checkpoints(store)
        assert [each.step_name for each in kept] == names
        assert kept[-1].step_outputs == {
            new: {"by": old} for new, old in zip(names, ("extract", "transform", "load"), strict=True)
        }

    def test_a_step_that_is_done_again_goes_by_the_name_it_had(self, store: Store) -> None:
        run_to(store, COMPLETED)

        take_over(
            store,
            current_step="transform",
            removed_steps=("transform", "load"),
            renamed_steps={"extract": "transform", "transform": "extract"},
        )

        assert [kept.step_name for kept in _checkpoints(store)] == ["transform"]
        assert store.get_run("run-1").context.outputs == {"transform": {"by": "extract"}}

    def test_steps_of_other_runs_keep_their_names(self, store: Store) -> None:
        run_to(store, FAILED)
        run_to(store, FAILED, "run-2")
        before = everything(store, "run-2")

        take_over(store, renamed_steps={"extract": "fetch"})

        assert everything(store, "run-2") == before

    def test_a_claim_that_is_refused_renames_nothing(self, store: Store) -> None:
        run_to(store, FAILED)
        seen = store.get_claimable("run-1")
        take_over(store)
        before = everything(store)

        assert store.claim_run(claim_of(seen, renamed_steps={"extract": "fetch"})) is None

        assert everything(store) == before

    def test_a_name_that_another_step_of_a_snapshot_has_is_refused_and_nothing_is_claimed(self, store: Store) -> None:
        run_to(store, FAILED)
        before, events = everything(store), store.list_events("run-1")

        with pytest.raises(SnapshotCorrupt, match="'transform'"):
            store.claim_run(claim_of(store.get_claimable("run-1"), renamed_steps={"extract": "transform"}))

        assert everything(store) == before
        assert store.list_events("run-1") == events

    def test_two_checkpoints_never_get_one_name(self, store: Store) -> None:
        with driving(store) as drive:
            empty = drive.context
            for step in ("extract", "transform"):
                drive.context = empty
                drive.save(step, {})
            drive.writer.end_run(FAILED)
        before = everything(store)

        with pytest.raises(SnapshotCorrupt, match="'transform'"):
            store.claim_run(claim_of(store.get_claimable("run-1"), renamed_steps={"extract": "transform"}))

        assert everything(store) == before

    def test_whoever_took_the_run_writes_on_under_the_new_names(self, store: Store) -> None:
        run_to(store, FAILED, steps=("extract",))
        lease = take_over(store, renamed_steps={"extract": "fetch"})

        with holding(store, lease, store.get_run("run-1").context) as drive:
            drive.sequence = 1
            drive.save("transform", ending=COMPLETED)

        assert store.get_run("run-1").context.outputs == {"fetch": {"by": "extract"}, "transform": {"by": "transform"}}
        assert [kept.step_name for kept in _checkpoints(store)] == ["fetch", "transform"]


def _two_steps_done(store: Store) -> None:
    """Leave a run whose second checkpoint tells of skipped steps, one of them the first."""
    with driving(store) as drive:
        drive.save("extract", {"rows": 3}, quality=QualityMetrics(record_count=3), next_step="transform")
        skipped = {"attempt": 1, "skipped": ["extract", "between"]}
        drive.save("transform", {"rows": 2}, metadata=skipped, next_step="load")
        drive.writer.end_run(FAILED)


def _checkpoints(store: Store) -> list[Checkpoint]:
    return [store.get_checkpoint("run-1", kept.step_name) for kept in store.list_checkpoints("run-1")]
