"""Where an existing run goes on: pure decisions, table by table."""

from datetime import UTC, datetime, timedelta

import pytest

from spine.codec.limits import DEFAULT_LIMITS
from spine.errors import (
    CheckpointsDeleted,
    DefinitionChanged,
    InvalidParams,
    NotResumable,
    RunAlreadyCompleted,
    RunExpired,
    RunIsHeld,
    SnapshotCorrupt,
    StepNotFound,
)
from spine.orchestration.resume import (
    Plan,
    Position,
    ResumeRequest,
    locate,
    plan,
    refuse_unless_free,
    refuse_unless_resumable,
)
from spine.orchestration.workflow import Workflow
from spine.records.checkpoint import CheckpointSummary
from spine.records.context import WorkflowContext
from spine.records.lease import Lease
from spine.records.resume_point import ResumePoint
from spine.records.run import ClaimableRun, Removal, RunStatus
from spine.records.values import Values
from spine.steps.step import Step

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)


def workflow(names: str) -> Workflow:
    """One letter a step."""
    return Workflow("letters", [Step.lambda_(name, lambda ctx, config: {}) for name in names])


def run(names: str = "abcd", **fields) -> ClaimableRun:
    values = {"status": RunStatus.FAILED, "definition": workflow(names).definition()} | fields
    return ClaimableRun(run_id="1", workflow_name="letters", created_at=NOON, updated_at=NOON, **values)


def row(step: str, next_step: str | None, sequence: int, skipped: str = "") -> CheckpointSummary:
    return CheckpointSummary(
        run_id="1",
        workflow_name="letters",
        step_name=step,
        sequence=sequence,
        next_step=next_step,
        metadata={"skipped": list(skipped)},
        created_at=NOON,
        updated_at=NOON,
        size=2,
    )


def rows(names: str) -> list[CheckpointSummary]:
    """The checkpoints of the first steps of `abcd`."""
    return [row(name, "bcd"[place] if place < 3 else None, place + 1) for place, name in enumerate(names)]


def point(step: str, skipped: str = "", params: dict | None = None, context=None) -> ResumePoint:
    return ResumePoint(step=step, skipped=tuple(skipped), params=Values.of(params or {}, at="params"), context=context)


def found(position: Position) -> tuple[int, str | None, str, str]:
    base = position.base and position.base.step_name
    return position.index, base, "".join(position.passed_over), "".join(position.removed)


@pytest.mark.parametrize(
    ("done", "told", "expected"),
    [
        ("", None, (0, None, "", "")),
        ("a", None, (1, "a", "", "")),
        ("abc", None, (3, "c", "", "")),
        ("ab", "c", (2, "b", "", "")),
        ("ab", "d", (3, "b", "c", "")),
        ("", "c", (2, None, "ab", "")),
        ("abc", "b", (1, "a", "", "bc")),
        ("abc", "a", (0, None, "", "abc")),
        ("abcd", "d", (3, "c", "", "d")),
    ],
)
def test_a_run_goes_on_after_its_latest_checkpoint_or_where_it_is_told(done, told, expected):
    position = locate(workflow("abcd"), run(), rows(done), ResumeRequest(start_from=told))

    assert found(position) == expected
    assert position.last_sequence == len(done)


@pytest.mark.parametrize(
    ("kept", "told", "expected"),
    [
        ([row("a", "b", 1)], None, (1, "a", "", "")),
        ([row("a", "b", 1), row("c", "d", 2)], None, (3, "c", "", "")),
        ([row("a", "b", 1), row("c", "d", 2)], "c", (2, "a", "b", "c")),
        ([row("a", "b", 1)], "d", (3, "a", "bc", "")),
    ],
)
def test_with_sparse_checkpoints_the_steps_after_the_last_one_run_again(kept, told, expected):
    assert found(locate(workflow("abcd"), run(), kept, ResumeRequest(start_from=told))) == expected


def test_latest_means_the_highest_sequence_and_a_jump_back_goes_where_it_says():
    jumped = [row("a", "b", 1), row("b", "c", 4), row("c", "b", 5)]

    position = locate(workflow("abcd"), run(), jumped, ResumeRequest())

    assert found(position) == (1, "a", "", "bc")
    assert position.last_sequence == 5


@pytest.mark.parametrize(
    ("resume_point", "told", "expected"),
    [
        (point("d", "c"), None, (3, "b", "c", "")),
        (point("d", "c"), "b", (1, "a", "", "b")),
        (point("c"), None, (2, "b", "", "")),
        (point("b"), None, (1, "a", "", "b")),
    ],
)
def test_what_a_claim_was_told_comes_before_the_latest_checkpoint(resume_point, told, expected):
    position = locate(workflow("abcd"), run(resume_point=resume_point), rows("ab"), ResumeRequest(start_from=told))

    assert found(position) == expected


@pytest.mark.parametrize("now", ["abxyz", "abx", "abdc", "abcdef"])
def test_steps_after_those_that_are_done_may_change(now):
    assert locate(workflow(now), run(), rows("ab"), ResumeRequest()).index == 2


@pytest.mark.parametrize(
    ("now", "gone", "new"), [("bacd", "none", "none"), ("axbcd", "none", "x"), ("acd", "b", "none")]
)
def test_steps_that_are_done_may_not_change_and_the_error_shows_both_lists(now, gone, new):
    with pytest.raises(DefinitionChanged) as refused:
        locate(workflow(now), run(), rows("ab"), ResumeRequest())

    text = str(refused.value)
    assert "Done: a, b." in text
    assert f"Now: {', '.join(now)}." in text
    assert f"Missing: {gone}; new among them: {new}." in text


def test_going_back_asks_only_for_the_steps_before():
    assert locate(workflow("axyz"), run(), rows("abc"), ResumeRequest(start_from="x")).index == 1


@pytest.mark.parametrize(("repaired", "at"), [("abxcd", 2), ("abx", 2), ("abxd", 2)])
def test_a_repaired_step_that_failed_again_is_where_the_next_resume_goes_on(repaired, at):
    """The row of b still says `c`, and the run has remembered the repair since the resume that failed."""
    again = run(repaired)

    assert locate(workflow(repaired), again, rows("ab"), ResumeRequest()).index == at


def test_a_step_to_start_from_must_be_there():
    with pytest.raises(StepNotFound, match="its steps are: a, b, c, d"):
        locate(workflow("abcd"), run(), rows("a"), ResumeRequest(start_from="z"))


def test_a_row_of_a_step_that_the_run_does_not_have_is_corruption():
    with pytest.raises(SnapshotCorrupt, match="'z'"):
        locate(workflow("abcd"), run(), [row("z", "b", 1)], ResumeRequest())


def test_a_run_whose_open_steps_are_all_gone_is_not_called_completed():
    with pytest.raises(NotResumable, match="has failed"):
        planned(workflow("ab"), run(), rows("ab"))


def planned(now: Workflow, claimed: ClaimableRun, checkpoints: list, base: dict | None = None, **told) -> Plan:
    context = WorkflowContext(run_id="1", workflow_name="letters", params=base or {})
    what = ResumeRequest(**told)
    return plan(now, claimed, locate(now, claimed, checkpoints, what), context, what, DEFAULT_LIMITS)


def test_a_plan_counts_what_is_done_and_what_is_skipped():
    checkpoints = [row("a", "b", 1), row("c", "d", 2, skipped="b")]

    progress = planned(workflow("abcd"), run(), checkpoints).progress

    assert (progress.index, progress.sequence, progress.is_resumed) == (3, 2, True)
    assert progress.earlier == {"a", "c"}
    assert progress.skipped == {"b"}
    assert progress.unsaved_skips == []


def test_a_plan_without_wishes_leaves_no_resume_point():
    assert planned(workflow("abcd"), run(), rows("ab")).resume_point is None


def test_a_plan_notes_what_it_was_told():
    wished = planned(workflow("abcd"), run(), rows("ab"), {"x": 1, "y": 1}, params={"y": 2}, start_from="d")

    assert dict(wished.progress.context.params) == {"x": 1, "y": 2}
    assert wished.resume_point == ResumePoint(step="d", skipped=("c",), params=wished.resume_point.params)
    assert dict(wished.resume_point.params) == {"y": 2}
    assert wished.progress.unsaved_skips == ["c"]


def test_overrides_add_up_and_the_newest_wins():
    before = run(resume_point=point("c", params={"x": 2, "y": 2}))

    wished = planned(workflow("abcd"), before, rows("ab"), {"x": 1, "z": 1}, params={"y": 3})

    assert dict(wished.progress.context.params) == {"x": 2, "z": 1, "y": 3}
    assert dict(wished.resume_point.params) == {"x": 2, "y": 3}


@pytest.mark.parametrize(("start_from", "colour"), [(None, "told"), ("d", "told"), ("b", "base")])
def test_a_context_told_before_counts_unless_the_run_goes_back_before_it(start_from, colour):
    given = WorkflowContext(run_id="1", workflow_name="letters", params={"colour": "told"})
    before = run(resume_point=point("c", context=given))

    wished = planned(workflow("abcd"), before, rows("ab"), {"colour": "base"}, start_from=start_from)

    assert wished.progress.context.params["colour"] == colour


def test_an_override_is_judged_before_anything_is_claimed():
    with pytest.raises(InvalidParams):
        planned(workflow("ab"), run("ab"), [], params={"__resumed__": True})


LEASE = Lease(run_id="1", holder="ann@host/1", fence=3, acquired_at=NOON, expires_at=NOON + timedelta(seconds=60))
REMOVED = {"removed_at": NOON}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"status": RunStatus.RUNNING, "lease": LEASE}, RunIsHeld),
        (REMOVED | {"removed_because": Removal.EXPIRED}, RunExpired),
        (REMOVED | {"removed_because": Removal.DELETED}, CheckpointsDeleted),
        ({"status": RunStatus.COMPLETED}, RunAlreadyCompleted),
        ({"status": RunStatus.PENDING}, NotResumable),
    ],
)
def test_some_runs_are_refused_each_with_its_own_error(fields, error):
    with pytest.raises(error):
        refuse_unless_resumable(run(**fields))


def test_the_holder_of_a_run_is_named_with_its_times():
    with pytest.raises(RunIsHeld, match=r"ann@host/1 since 2026-01-10 12:00:00 UTC.*until 2026-01-10 12:01:00") as held:
        refuse_unless_free(run(status=RunStatus.RUNNING, lease=LEASE))

    assert held.value.holder == "ann@host/1"
    assert held.value.expires_at == LEASE.expires_at


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.WAITING, RunStatus.RUNNING])
def test_failed_cancelled_waiting_and_crashed_runs_may_be_resumed(status):
    refuse_unless_resumable(run(status=status))


@pytest.mark.parametrize("status", [RunStatus.COMPLETED, RunStatus.PENDING])
def test_a_run_that_nobody_holds_may_be_reopened_at_a_named_step(status):
    refuse_unless_free(run(status=status))
