"""What a store promises of runs."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, timedelta

import pytest

from spine import clock
from spine.errors import RunNotFound
from spine.records.lease import Lease
from spine.records.resume_point import ResumePoint
from spine.records.run import RunStatus
from spine.records.values import Values
from spine.stores.protocol import RunFilter, Store
from spine.testing.contract.drive import (
    CANCELLED,
    COMPLETED,
    DEFINITION,
    FAILED,
    HOUR,
    STEPS,
    WAITING,
    at_once,
    crash,
    create,
    driving,
    everything,
    new_run,
    run_to,
    take_over,
)

HOSTILE = (
    "'; DROP TABLE core_workflow_runs; --",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "%s %(name)s :name ? $1 {0}",
    'a "quoted" name\\',
    "100%",
    "NULL",
    "\N{GRINNING FACE} \N{ARABIC LETTER ALEF}\N{HEBREW LETTER ALEF} e\N{COMBINING ACUTE ACCENT}",
)


class RunsContract:
    """What a store promises of runs."""

    def test_a_new_run_is_running_and_held_by_whoever_made_it(self, store: Store) -> None:
        before = clock.now()
        new = new_run(params={"day": "2026-01-10", "limit": 7}, partition={"region": "north"})

        lease = create(store, new)

        run = store.get_run("run-1")
        assert (run.run_id, run.workflow_name, run.status, run.state) == ("run-1", "orders", "running", "running")
        assert (run.definition, run.current_step, run.fence) == (DEFINITION, "extract", 1)
        assert (run.context, run.params, run.partition) == (new.context, new.context.params, {"region": "north"})
        assert run.lease == lease
        assert (lease.run_id, lease.holder, lease.fence) == ("run-1", "ann@here/1", 1)
        assert lease.expires_at - lease.acquired_at > timedelta(minutes=59)
        assert (run.finished_at, run.error, run.removed_at, run.removed_because) == (None, None, None, None)
        assert not run.is_crashed
        for moment in (run.created_at, run.started_at, run.updated_at, lease.acquired_at, lease.expires_at):
            assert moment is not None
            assert moment.tzinfo is UTC
        assert abs(run.created_at - before) < timedelta(minutes=5)

    def test_a_run_id_is_given_out_once(self, store: Store) -> None:
        create(store, new_run())
        before = everything(store)

        second = store.create_run(new_run(workflow="others", params={"day": "never"}, holder="bob@there/2"))

        assert second is None
        assert everything(store) == before

    def test_ten_who_make_one_run_at_once_get_it_once(self, store: Store) -> None:
        leases = at_once(10, lambda number: store.create_run(new_run(holder=f"thread {number}")))

        (winner,) = [lease for lease in leases if lease is not None]
        assert store.get_run("run-1").lease == winner

    def test_ids_that_differ_only_in_case_are_two_runs(self, store: Store) -> None:
        create(store, new_run("abc"))
        create(store, new_run("ABC", workflow="others"))

        assert store.get_run("abc").workflow_name == "orders"
        assert store.get_run("ABC").workflow_name == "others"

    def test_a_run_has_the_context_of_its_latest_checkpoint(self, store: Store) -> None:
        with driving(store) as drive:
            first = drive.context
            shown_before = store.get_run("run-1").context
            drive.save("extract", {"rows": 3})
            drive.save("transform", {"rows": 2})

        assert shown_before == first
        assert store.get_run("run-1").context == drive.context
        assert store.get_run("run-1").context.outputs == {"extract": {"rows": 3}, "transform": {"rows": 2}}
        assert store.get_first_context("run-1") == first

    def test_whoever_changes_what_was_read_changes_nothing_stored(self, store: Store) -> None:
        with driving(store, params={"days": [1, 2]}) as drive:
            drive.save("extract", {"rows": [1, 2]})

        store.get_run("run-1").params["days"].append(3)
        store.get_run("run-1").context.outputs["extract"]["rows"].clear()
        store.get_first_context("run-1").params["days"].clear()

        assert store.get_run("run-1").params == {"days": [1, 2]}
        assert store.get_run("run-1").context.outputs == {"extract": {"rows": [1, 2]}}
        assert store.get_first_context("run-1").params == {"days": [1, 2]}

    def test_params_that_nobody_gave_are_still_known_as_defaults(self, store: Store) -> None:
        new = new_run(params={"day": "2026-01-10", "limit": 7}, definition=_defaulted("limit"))
        new = new._replace(context=replace(new.context, defaulted=frozenset({"limit"})))

        create(store, new)

        assert store.get_run("run-1").context.defaulted == {"limit"}
        assert store.get_first_context("run-1").defaulted == {"limit"}
        assert store.get_run("run-1").definition.defaulted == {"limit"}

    def test_a_run_remembers_what_it_was_told_at_its_start(self, store: Store) -> None:
        told = ResumePoint(
            step="load",
            params=Values.of({"limit": 9}, at="params"),
            skipped=("extract", "transform"),
            context=new_run(params={"day": "2026-01-11"}).context,
        )

        create(store, new_run(current_step="load", resume_point=told))

        assert store.get_claimable("run-1").resume_point == told
        assert store.get_run("run-1").current_step == "load"

    def test_what_a_claim_judges_is_what_a_run_shows(self, store: Store) -> None:
        run_to(store, FAILED)

        run, claimable = store.get_run("run-1"), store.get_claimable("run-1")

        shown = ("run_id", "workflow_name", "state", "fence", "definition", "error", "finished_at", "lease")
        assert [getattr(claimable, name) for name in shown] == [getattr(run, name) for name in shown]
        assert claimable.resume_point is None

    def test_whoever_asks_for_a_run_that_is_not_there_is_told_so(self, store: Store) -> None:
        create(store, new_run("another"))

        for ask in (
            store.get_run,
            store.get_claimable,
            store.get_first_context,
            store.list_events,
            store.cancel_run,
            store.list_checkpoints,
            store.get_checkpoint,
            store.delete_checkpoints,
        ):
            with pytest.raises(RunNotFound) as caught:
                ask("nobody")
            assert "'nobody'" in str(caught.value)
            assert store.location in str(caught.value)

    def test_runs_are_listed_oldest_first_and_the_newest_are_kept(self, store: Store) -> None:
        for number in range(5):
            create(store, new_run(f"run-{number}"))

        everyone = store.list_runs(RunFilter())
        newest = store.list_runs(RunFilter(limit=2))

        assert [run.run_id for run in everyone] == [f"run-{number}" for number in range(5)]
        assert [run.run_id for run in newest] == ["run-3", "run-4"]
        assert store.list_runs(RunFilter(limit=0)) == []

    def test_or_those_are_kept_that_were_taken_least_often_and_the_oldest_of_them_come_first(
        self, store: Store
    ) -> None:
        for number in range(4):
            run_to(store, FAILED, f"run-{number}", steps=())
        for run_id in ("run-0", "run-3", "run-3"):
            with closing(store.writer(take_over(store, run_id), lease_seconds=HOUR)) as writer:
                writer.end_run(FAILED)

        def listed(limit: int) -> list[str]:
            return [run.run_id for run in store.list_runs(RunFilter(limit=limit, least_taken=True))]

        assert listed(100) == ["run-1", "run-2", "run-0", "run-3"]
        assert listed(3) == ["run-1", "run-2", "run-0"]
        assert listed(1) == ["run-1"]
        assert listed(0) == []

    def test_a_list_may_be_narrowed_by_status(self, store: Store) -> None:
        _one_of_each(store)

        for status in (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.WAITING):
            assert _listed(store, RunFilter(status=status)) == [status.value]
        assert _listed(store, RunFilter(status=RunStatus.RUNNING)) == ["crashed", "running"]
        assert _listed(store, RunFilter(status=RunStatus.PENDING)) == []
        assert _listed(store, RunFilter(crashed=True)) == ["crashed"]

    def test_a_list_may_be_narrowed_by_workflow_and_by_time(self, store: Store) -> None:
        create(store, new_run("run-1", workflow="orders"))
        create(store, new_run("run-2", workflow="Orders"))
        made = store.get_run("run-1").created_at

        assert _listed(store, RunFilter(workflow="orders")) == ["run-1"]
        assert _listed(store, RunFilter(workflow="order%")) == []
        assert _listed(store, RunFilter(since=made)) == ["run-1", "run-2"]
        assert _listed(store, RunFilter(since=made + timedelta(hours=1))) == []
        assert _listed(store, RunFilter(since=made, workflow="Orders", status=RunStatus.RUNNING)) == ["run-2"]

    def test_a_list_shows_of_each_run_what_it_is_asked_for_alone(self, store: Store) -> None:
        _one_of_each(store)

        for listed in store.list_runs(RunFilter()):
            run = store.get_run(listed.run_id)
            assert {name: getattr(run, name) for name in listed.__dataclass_fields__} == {
                name: getattr(listed, name) for name in listed.__dataclass_fields__
            }

    def test_a_run_that_has_not_completed_can_be_cancelled(self, store: Store) -> None:
        _one_of_each(store)

        answers = {run_id: store.cancel_run(run_id) for run_id in ("running", "crashed", "waiting", "failed")}

        assert set(answers.values()) == {True}
        for run_id in answers:
            run = store.get_run(run_id)
            assert (run.status, run.lease, run.is_crashed) == ("cancelled", None, False)
            assert run.finished_at is not None

    def test_a_run_that_is_over_stays_as_it_is(self, store: Store) -> None:
        _one_of_each(store)
        before = everything(store, "completed"), everything(store, "cancelled")

        assert store.cancel_run("completed") is False
        assert store.cancel_run("cancelled") is False

        assert (everything(store, "completed"), everything(store, "cancelled")) == before

    def test_a_cancelled_run_still_says_where_it_stood_and_why_it_failed(self, store: Store) -> None:
        run_to(store, FAILED, "failed", steps=STEPS[:2])
        create(store, new_run("running"))

        store.cancel_run("failed")
        store.cancel_run("running")

        run = store.get_run("failed")
        assert (run.error_step, run.error, run.error_type) == ("load", "the warehouse is down", "ConnectionError")
        assert (run.error_category, run.current_step) == ("dependency", "load")
        assert store.get_run("running").current_step == "extract"

    def test_names_are_just_text(self, store: Store) -> None:
        other = create(store, new_run("other"))

        for name in HOSTILE:
            run_id = name[:36]
            with driving(store, run_id, workflow=name, holder=name) as drive:
                drive.save(name, {name: name}, next_step=name)

            assert store.get_run(run_id).context == drive.context
            assert store.get_run(run_id).current_step == name
            assert store.get_run(run_id).lease == _with_later_end(drive.lease, store)
            assert store.get_checkpoint(run_id, name).step_outputs == {name: {name: name}}
            assert _listed(store, RunFilter(workflow=name)) == [run_id]

        assert store.get_run("other").lease == other

    def test_names_may_have_a_hundred_characters_of_any_alphabet(self, store: Store) -> None:
        name, run_id = "\N{GRINNING FACE}" * 100, "\N{GRINNING FACE}" * 36
        with driving(store, run_id, workflow=name, current_step=name) as drive:
            drive.save(name, next_step=name)

        assert store.get_run(run_id).workflow_name == name
        assert [kept.step_name for kept in store.list_checkpoints(run_id)] == [name]


def _defaulted(name: str) -> object:
    return replace(DEFINITION, defaulted=frozenset({name}))


def _one_of_each(store: Store) -> None:
    """Leave runs named for the state they are in."""
    run_to(store, COMPLETED, "completed")
    run_to(store, FAILED, "failed")
    run_to(store, CANCELLED, "cancelled")
    run_to(store, WAITING, "waiting")
    crash(store, "crashed")
    create(store, new_run("running"))


def _listed(store: Store, wanted: RunFilter) -> list[str]:
    return sorted(run.run_id for run in store.list_runs(wanted))


def _with_later_end(lease: Lease, store: Store) -> Lease:
    renewed = store.get_run(lease.run_id).lease
    assert renewed is not None
    assert renewed.expires_at >= lease.expires_at
    return replace(lease, expires_at=renewed.expires_at)
