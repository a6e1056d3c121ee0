"""What a store promises of claims: one driver at a time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from spine.records.claim import Ending
from spine.records.resume_point import ResumePoint
from spine.records.run import RunStatus, StepDefinition
from spine.records.values import Values
from spine.stores.protocol import Store
from spine.testing.contract.drive import (
    AN_INSTANT,
    CANCELLED,
    COMPLETED,
    DEFINITION,
    FAILED,
    STEPS,
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
    wait_until,
)


class ClaimsContract:
    """What a store promises of claims."""

    @pytest.mark.parametrize("ending", [COMPLETED, FAILED, CANCELLED, WAITING], ids=lambda ending: ending.status)
    def test_a_run_that_nobody_holds_can_be_taken(self, store: Store, ending: Ending) -> None:
        run_to(store, ending)

        lease = take_over(store, lease_seconds=120.0)

        run = store.get_run("run-1")
        assert (run.status, run.current_step, run.finished_at) == ("running", "load", None)
        assert (run.error_step, run.error, run.error_type, run.error_category) == (None, None, None, None)
        assert run.lease == lease
        assert (lease.holder, lease.fence, run.fence) == ("bob@there/2", 2, 2)
        assert timedelta(seconds=119) < lease.expires_at - lease.acquired_at < timedelta(seconds=121)

    def test_each_taking_raises_the_fence_by_one(self, store: Store) -> None:
        run_to(store, FAILED)

        fences = []
        for _ in range(3):
            fences.append(take_over(store).fence)
            store.cancel_run("run-1")

        assert fences == [2, 3, 4]

    def test_a_crashed_run_can_be_taken(self, store: Store) -> None:
        crash(store)

        lease = take_over(store)

        assert store.get_run("run-1").lease == lease
        assert not store.get_run("run-1").is_crashed

    def test_a_run_that_is_held_cannot_be_taken(self, store: Store) -> None:
        create(store, new_run())
        before = everything(store)

        claim = claim_of(store.get_claimable("run-1"))

        assert store.claim_run(claim) is None
        assert everything(store) == before

    def test_a_run_whose_driver_woke_up_and_went_on_cannot_be_taken_as_it_was_seen(self, store: Store) -> None:
        lease = crash(store, steps=STEPS[:1])
        seen = store.get_claimable("run-1")
        with holding(store, lease, new_run().context, lease_seconds=AN_INSTANT) as drive:
            drive.sequence = seen.last_sequence
            drive.save(STEPS[1])
        wait_until(lambda: store.get_run("run-1").is_crashed)
        before = everything(store)

        assert store.claim_run(claim_of(seen)) is None
        assert everything(store) == before
        assert store.claim_run(claim_of(store.get_claimable("run-1"))) is not None

    def test_a_run_that_changed_since_it_was_seen_cannot_be_taken(self, store: Store) -> None:
        run_to(store, FAILED)
        seen = store.get_claimable("run-1")
        before = everything(store)

        for claim in (
            claim_of(seen, seen_status=RunStatus.CANCELLED),
            claim_of(seen, seen_status=RunStatus.RUNNING),
            claim_of(seen, seen_fence=seen.fence + 1),
            claim_of(seen, seen_fence=seen.fence - 1),
        ):
            assert store.claim_run(claim) is None

        assert everything(store) == before

    def test_a_run_that_is_not_there_cannot_be_taken(self, store: Store) -> None:
        run_to(store, FAILED)

        assert store.claim_run(claim_of(store.get_claimable("run-1"), run_id="nobody")) is None

    def test_a_run_without_its_checkpoints_cannot_be_taken(self, store: Store) -> None:
        run_to(store, FAILED)
        store.delete_checkpoints("run-1")

        assert store.claim_run(claim_of(store.get_claimable("run-1"))) is None

    def test_checkpoints_of_the_steps_to_be_done_again_go_with_the_claim(self, store: Store) -> None:
        run_to(store, COMPLETED)
        run_to(store, COMPLETED, "run-2")

        take_over(store, current_step="transform", removed_steps=("transform", "load"))

        assert [kept.step_name for kept in store.list_checkpoints("run-1")] == ["extract"]
        assert list(store.get_run("run-1").context.outputs) == ["extract"]
        assert len(store.list_checkpoints("run-2")) == 3

    def test_a_claim_that_is_refused_removes_nothing(self, store: Store) -> None:
        run_to(store, COMPLETED)
        seen = store.get_claimable("run-1")
        take_over(store)

        refused = store.claim_run(claim_of(seen, removed_steps=("extract", "transform", "load")))

        assert refused is None
        assert len(store.list_checkpoints("run-1")) == 3

    def test_a_claim_notes_the_workflow_as_it_is_now(self, store: Store) -> None:
        run_to(store, FAILED)
        steps = (*DEFINITION.steps, StepDefinition(name="report", kind="pipeline"))
        repaired = replace(DEFINITION, steps=steps, unsaved=frozenset({"load", "report"}), begun=frozenset({"load"}))

        take_over(store, definition=repaired)

        assert store.get_run("run-1").definition == repaired

    def test_what_a_claim_was_told_stays_until_the_next_claim(self, store: Store) -> None:
        run_to(store, FAILED)
        told = ResumePoint(
            step="transform",
            params=Values.of({"limit": 9, "b": 1, "a": 2}, at="params"),
            skipped=("extract",),
            context=new_run(params={"zone": "north", "day": "2026-01-11"}, partition={"day": 11}).context,
        )

        take_over(store, resume_point=told)
        kept = store.get_claimable("run-1").resume_point
        store.cancel_run("run-1")
        after_cancelling = store.get_claimable("run-1").resume_point
        take_over(store)

        assert kept == after_cancelling == told
        assert kept is not None
        assert list(kept.params) == ["limit", "b", "a"]
        assert store.get_claimable("run-1").resume_point is None

    def test_two_who_claim_a_run_at_once_do_not_both_get_it(self, store: Store) -> None:
        for number in range(5):
            run_id = f"run-{number}"
            run_to(store, FAILED, run_id, steps=())
            claim = claim_of(store.get_claimable(run_id))

            first, second = at_once(2, lambda who, claim=claim: store.claim_run(claim._replace(holder=f"{who}")))  # type: ignore[misc]

            assert (first is None) != (second is None)
            assert store.get_run(run_id).lease == (first or second)

    def test_a_run_is_cancelled_or_taken_but_not_both_by_one_sight_of_it(self, store: Store) -> None:
        run_to(store, FAILED)
        claim = claim_of(store.get_claimable("run-1"))

        store.cancel_run("run-1")

        assert store.claim_run(claim) is None
        assert store.get_run("run-1").status == "cancelled"

    def test_the_holder_may_go_on_while_others_are_refused(self, store: Store) -> None:
        with driving(store) as drive:
            refused = store.claim_run(claim_of(store.get_claimable("run-1")))
            drive.save("extract")

        assert refused is None
        assert [kept.step_name for kept in store.list_checkpoints("run-1")] == ["extract"]
