"""What a store promises of checkpoints."""

from datetime import UTC, timedelta

import pytest

from spine import clock
from spine.errors import CheckpointNotFound
from spine.records.quality import QualityMetrics
from spine.records.resume_point import ResumePoint
from spine.records.run import RunStatus
from spine.stores.protocol import Store
from spine.testing.contract.drive import (
    COMPLETED,
    FAILED,
    WAITING,
    at_once,
    claim_of,
    crash,
    create,
    driving,
    everything,
    holding,
    new_run,
    run_to,
    take_over,
)


class CheckpointsContract:
    """What a store promises of checkpoints."""

    def test_a_checkpoint_keeps_what_the_run_knew(self, store: Store) -> None:
        before = clock.now()
        quality = QualityMetrics(record_count=3, null_rate=0.25)
        with driving(store, partition={"region": "north"}) as drive:
            drive.save("extract", {"rows": 3}, quality=quality, metadata={"attempt": 1}, next_step="transform")

        kept = store.get_checkpoint("run-1", "extract")
        assert (kept.run_id, kept.workflow_name, kept.step_name) == ("run-1", "orders", "extract")
        assert (kept.sequence, kept.next_step, kept.metadata) == (1, "transform", {"attempt": 1})
        assert kept.context == drive.context
        assert kept.step_outputs == {"extract": {"rows": 3}}
        assert kept.context.quality_metrics["extract"].record_count == 3
        assert kept.created_at.tzinfo is UTC
        assert kept.updated_at.tzinfo is UTC
        assert abs(kept.created_at - before) < timedelta(minutes=5)

    def test_a_checkpoint_shows_its_context_as_a_plain_document(self, store: Store) -> None:
        with driving(store, partition={"region": "north"}) as drive:
            drive.save("extract", {"rows": 3}, quality=QualityMetrics(record_count=3))

        document = dict(store.get_checkpoint("run-1").context_snapshot)

        assert document.pop("metadata")["spine_version"]
        assert document == {
            "schema_version": 1,
            "run_id": "run-1",
            "workflow_name": "orders",
            "step_name": "extract",
            "params": {"day": "2026-01-10"},
            "outputs": {"extract": {"rows": 3}},
            "quality_metrics": {"extract": {"passed": True, "record_count": 3}},
            "partition": {"region": "north"},
        }

    def test_a_checkpoint_moves_the_run_on(self, store: Store) -> None:
        with driving(store) as drive:
            before = store.get_run("run-1")
            drive.save("extract", next_step="transform")

        run = store.get_run("run-1")
        assert (run.status, run.current_step) == ("running", "transform")
        assert run.updated_at >= before.updated_at
        assert (run.created_at, run.started_at) == (before.created_at, before.started_at)

    def test_a_list_shows_of_each_checkpoint_what_it_is_asked_for_alone(self, store: Store) -> None:
        run_to(store, COMPLETED)

        for listed in store.list_checkpoints("run-1"):
            kept = store.get_checkpoint("run-1", listed.step_name)
            assert {name: getattr(kept, name) for name in listed.__dataclass_fields__} == {
                name: getattr(listed, name) for name in listed.__dataclass_fields__
            }

    def test_a_run_without_checkpoints_has_an_empty_list(self, store: Store) -> None:
        create(store, new_run())

        assert store.list_checkpoints("run-1") == []

    def test_a_step_that_is_done_again_has_one_checkpoint(self, store: Store) -> None:
        with driving(store) as drive:
            drive.save("extract", {"rows": 3}, metadata={"attempt": 1}, next_step="transform")
            first = store.get_checkpoint("run-1", "extract")
            drive.save("extract", {"rows": 4}, metadata={"attempt": 2}, next_step="load")

        (again,) = store.list_checkpoints("run-1")
        assert (again.sequence, again.metadata, again.next_step) == (2, {"attempt": 2}, "load")
        assert again.created_at == first.created_at
        assert again.updated_at >= first.updated_at
        assert store.get_checkpoint("run-1", "extract").step_outputs == {"extract": {"rows": 4}}

    def test_order_and_latest_come_from_the_sequence(self, store: Store) -> None:
        with driving(store) as drive:
            for step in ("load", "extract", "transform", "load"):
                drive.save(step)

        assert [(kept.sequence, kept.step_name) for kept in store.list_checkpoints("run-1")] == [
            (2, "extract"),
            (3, "transform"),
            (4, "load"),
        ]
        assert store.get_checkpoint("run-1").step_name == "load"
        assert store.get_run("run-1").context == store.get_checkpoint("run-1", "load").context

    def test_a_checkpoint_that_is_not_there_is_missed_by_name(self, store: Store) -> None:
        create(store, new_run())
        with pytest.raises(CheckpointNotFound, match="'run-1'"):
            store.get_checkpoint("run-1")

        with driving(store, "run-2") as drive:
            drive.save("extract")
        with pytest.raises(CheckpointNotFound, match="'load'"):
            store.get_checkpoint("run-2", "load")
        with pytest.raises(CheckpointNotFound, match="''"):
            store.get_checkpoint("run-2", "")

    def test_the_size_is_that_of_the_snapshot_in_bytes(self, store: Store) -> None:
        with driving(store) as drive:
            small = drive.save("extract", {"text": ""})
            large = drive.save("extract", {"text": "\N{LATIN SMALL LETTER E WITH ACUTE}" * 300})

        assert large - small == 600
        assert store.list_checkpoints("run-1")[0].size == large

    def test_a_megabyte_is_no_trouble(self, store: Store) -> None:
        rows = [{"id": number, "text": "x" * 90} for number in range(8_000)]
        with driving(store) as drive:
            drive.save("extract", {"rows": rows})

        assert store.get_checkpoint("run-1").step_outputs["extract"] == {"rows": rows}

    def test_a_checkpoint_carries_what_the_claim_was_told(self, store: Store) -> None:
        run_to(store, FAILED)
        lease = take_over(store, resume_point=ResumePoint(step="load"))

        with holding(store, lease, store.get_run("run-1").context) as drive:
            before = store.get_claimable("run-1").resume_point
            drive.save("load")

        assert before == ResumePoint(step="load")
        assert store.get_claimable("run-1").resume_point is None

    def test_a_run_that_fails_before_its_first_checkpoint_keeps_what_the_claim_was_told(self, store: Store) -> None:
        run_to(store, FAILED)
        lease = take_over(store, resume_point=ResumePoint(step="load"))

        with holding(store, lease, store.get_run("run-1").context) as drive:
            drive.writer.end_run(FAILED)

        assert store.get_claimable("run-1").resume_point == ResumePoint(step="load")

    def test_the_last_checkpoint_and_the_end_of_the_run_are_one(self, store: Store) -> None:
        with driving(store) as drive:
            drive.save("extract", next_step="transform")
            drive.save("load", ending=COMPLETED)

        run = store.get_run("run-1")
        assert (run.status, run.current_step, run.lease) == ("completed", None, None)
        assert run.finished_at is not None
        assert run.finished_at.tzinfo is UTC
        assert run.finished_at >= run.created_at
        assert run.context == drive.context
        assert [kept.step_name for kept in store.list_checkpoints("run-1")] == ["extract", "load"]

    def test_a_run_ends_without_a_checkpoint_and_says_why(self, store: Store) -> None:
        with driving(store) as drive:
            drive.save("extract", next_step="load")
            drive.writer.end_run(FAILED)

        run = store.get_run("run-1")
        assert (run.status, run.lease, run.current_step) == ("failed", None, "load")
        assert (run.error_step, run.error, run.error_type) == ("load", "the warehouse is down", "ConnectionError")
        assert run.error_category == "dependency"
        assert run.finished_at is not None
        assert run.context == drive.context

    def test_a_run_that_waits_is_held_by_nobody(self, store: Store) -> None:
        with driving(store) as drive:
            drive.save("extract", ending=WAITING, next_step="load")

        run = store.get_run("run-1")
        assert (run.status, run.lease, run.is_crashed) == (RunStatus.WAITING, None, False)
        assert run.current_step == "extract"

    def test_all_checkpoints_of_a_run_are_deleted_and_the_run_says_so(self, store: Store) -> None:
        run_to(store, FAILED)
        run_to(store, FAILED, "run-2")
        other = everything(store, "run-2")

        assert store.delete_checkpoints("run-1") == 3

        run = store.get_run("run-1")
        assert store.list_checkpoints("run-1") == []
        assert (run.status, run.error, run.removed_because) == ("failed", "the warehouse is down", "deleted")
        assert run.removed_at is not None
        assert run.removed_at.tzinfo is UTC
        assert run.context == store.get_first_context("run-1")
        assert everything(store, "run-2") == other

    def test_a_run_without_checkpoints_is_marked_all_the_same(self, store: Store) -> None:
        run_to(store, FAILED, steps=())

        assert store.delete_checkpoints("run-1") == 0
        assert store.delete_checkpoints("run-1") == 0

        assert store.get_run("run-1").removed_because == "deleted"

    def test_checkpoints_of_a_run_that_is_held_are_not_deleted(self, store: Store) -> None:
        with driving(store) as drive:
            drive.save("extract")
            before = everything(store)

            assert store.delete_checkpoints("run-1") is None

            assert everything(store) == before

    def test_a_crashed_run_whose_checkpoints_are_deleted_is_cancelled_for_nobody_can_go_on_with_it(
        self, store: Store
    ) -> None:
        crash(store)

        assert store.delete_checkpoints("run-1") == 2

        run = store.get_run("run-1")
        assert (run.status, run.is_crashed, run.lease, run.removed_because) == ("cancelled", False, None, "deleted")
        assert run.finished_at is not None
        assert run.finished_at >= run.created_at
        assert [event.kind for event in store.list_events("run-1")][-2:] == ["checkpoints.deleted", "run.cancelled"]

    def test_a_run_is_deleted_or_taken_but_not_both(self, store: Store) -> None:
        for number in range(5):
            run_id = f"run-{number}"
            run_to(store, FAILED, run_id, steps=("extract",))
            claim = claim_of(store.get_claimable(run_id))

            acts = (lambda claim=claim: store.claim_run(claim), lambda run_id=run_id: store.delete_checkpoints(run_id))
            lease, removed = at_once(2, lambda who, acts=acts: acts[who]())  # type: ignore[misc]

            assert (lease is None) != (removed is None)
            assert len(store.list_checkpoints(run_id)) == (0 if lease is None else 1)

    def test_runs_that_are_driven_at_once_do_not_mix(self, store: Store) -> None:
        def drive_one(number: int) -> None:
            with driving(store, f"run-{number}") as drive:
                for step in ("extract", "transform", "load"):
                    drive.save(step, {"of": number})

        at_once(8, drive_one)

        for number in range(8):
            outputs = store.get_run(f"run-{number}").context.outputs
            assert outputs == {step: {"of": number} for step in ("extract", "transform", "load")}
            assert [kept.sequence for kept in store.list_checkpoints(f"run-{number}")] == [1, 2, 3]
