"""Values that JSON or a database would change: each is kept exactly, or refused by its path, the same everywhere."""

import enum
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from spine.orchestration import (
    InvalidParams,
    NotStorable,
    Outcome,
    QualityMetrics,
    RunNotFound,
    Step,
    StepResult,
    Workflow,
    WorkflowContext,
    WorkflowRunner,
)

KEPT: dict[str, Any] = {
    "not a number": [math.nan, math.inf, -math.inf, -0.0, 0.0],
    "floats": [1e16, 1e22, 1e308, 5e-324, 1e-16, 0.1, 1.0, 100000.0, 123456789012345680.0],
    "integers": [2**53 + 1, 2**63 - 1, 2**63, -(2**63), 10**60, True, 1],
    "text": ["", "\0", "a\0b", "\ud800", "\u2028", "😀", "\x1b[0m", "'; DROP TABLE x; --", "\\u0000", '"$'],
    "bytes and decimals": [b"", b"\x00\xff", Decimal("1.10"), Decimal("NaN"), Decimal("1E+99")],
    "collections": [(), (1, (2,)), {3}, frozenset({"a"}), [], {}, [[]], {"": {}}],
    "dates": [
        date(2026, 1, 10),
        datetime(2026, 1, 10, 12, 30, 0, 1),  # noqa: DTZ001
        datetime(2026, 1, 10, tzinfo=UTC),
        datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
        timedelta(days=-1, microseconds=1),
        UUID(int=7),
    ],
    "keys": {1: "int", "1": "text", None: "none", (1, 2): "tuple", 2.5: "float", "\0": "NUL", "": "empty"},
    "order": {"zz": 1, "a": {"y": 1, "b": 2, "aa": 3}, "m": [{"q": 1, "p": 2}, {"p": 1, "q": 2}], "b": 0},
    "like ours": {"$date": "not one", "$$": 1, "$order": [], "$dict": {"$tuple": [1]}, "__x": 1},
    "a megabyte": "x" * 1_000_000,
}


@dataclass
class Row:
    price: float


class Colour(enum.StrEnum):
    RED = "red"


def cyclic() -> list:
    value: list = []
    value.append(value)
    return value


def deep() -> list:
    value: list = []
    for _ in range(100_000):
        value = [value]
    return value


REFUSED = {
    "object": object,
    "dataclass": lambda: Row(1.0),
    "enum": lambda: Colour.RED,
    "generator": lambda: (n for n in "ab"),
    "open file": lambda: open("/dev/null"),  # noqa: PTH123, SIM115
    "complex": lambda: 1j,
    "cycle": cyclic,
    "depth": deep,
    "size": lambda: "x" * 17_000_000,
    "text subclass": lambda: type("Text", (str,), {})("a"),
}


def spelled(value: Any) -> str:
    """Spell a value with its types and its order; repr tells NaN, -0.0 and True from 1 apart."""
    return repr(dict(value)) if not isinstance(value, dict) else repr(value)


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_hard_value_is_seen_by_the_next_step_as_it_was_resumed_or_not(runner, ran, interrupted):  # INV-9, 50, 51
    seen: dict[str, Any] = {}

    def look(ctx):
        params = {name: ctx.params[name] for name in (*KEPT, "updated")}
        seen.update(params=params, outputs=ctx.outputs["give"], partition=dict(ctx.partition))
        seen["quality"] = ctx.quality_metrics["give"]["worst"]
        return {}

    quality = QualityMetrics(worst=KEPT)
    give = ran.step("give", lambda ctx: StepResult.ok(KEPT, context_updates={"updated": KEPT}, quality=quality))
    if interrupted:
        ran.broken["wait"] = RuntimeError("down")
    workflow = ran.workflow(give, "wait", ran.step("look", look))
    result = runner.execute(workflow, params=KEPT, partition=KEPT)
    if interrupted:
        ran.repair()
        result = runner.resume(result.run_id)

    assert result.raise_for_status()
    assert spelled(seen["outputs"]) == spelled(seen["partition"]) == spelled(seen["quality"]) == repr(KEPT)
    assert spelled(seen["params"]) == repr(KEPT | {"updated": KEPT})
    stored = runner.get_run(result.run_id).context
    assert spelled(stored.outputs["give"]) == spelled(stored.partition) == repr(KEPT)


def test_a_hard_override_and_hard_metadata_are_kept(runner, ran):  # INV-50, INV-51
    ran.broken["a"] = RuntimeError("down")
    tell = ran.step("b", lambda ctx: StepResult.ok(metadata={"hard": KEPT["order"], "nan": [math.nan, "\0"]}))
    run_id = runner.execute(ran.workflow("a", tell)).run_id
    ran.repair()

    result = runner.resume(run_id, params_override=KEPT)

    assert spelled(result.context.params) == repr(KEPT)
    metadata = runner.get_checkpoint(run_id).metadata
    assert repr(metadata["hard"]) == repr(KEPT["order"])
    assert repr(metadata["nan"]) == "[nan, '\\x00']"


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_value_that_cannot_be_kept_fails_its_step_and_the_run_goes_on_after_a_repair(runner, ran):  # INV-10, 50, 51
    bad: list[Any] = []
    give = ran.step("b", lambda ctx: {"rows": [0, {"price": bad[0]}]} if bad else {})
    workflow = ran.workflow("a", give, "c")

    for kind, make in REFUSED.items():
        bad[:] = [make()]
        failed = runner.execute(workflow)
        assert (failed.status, failed.error_step, failed.error_type) == ("failed", "b", "NotStorable"), kind
        assert failed.error.startswith("outputs.b.rows[1].price"), kind
        assert failed.completed_steps == ["a"], kind
        assert [each.step_name for each in runner.list_checkpoints(failed.run_id)] == ["a"], kind

        bad.clear()
        ran.taken()
        resumed = runner.resume(failed.run_id)
        assert (resumed.status, ran.steps) == ("completed", ["b", "c"]), kind


@pytest.mark.parametrize(
    ("result", "path"),
    [
        ({"context_updates": {"x": [1j]}}, "context_updates.x[0]"),
        ({"context_updates": {"__x": 1}}, "context_updates: names that begin with __"),
        ({"quality": QualityMetrics(worst=1j)}, "quality_metrics.b.worst"),
        ({"quality": QualityMetrics(record_count=1j)}, "quality_metrics.b.record_count"),
        ({"quality": "good"}, "the quality of a StepResult must be QualityMetrics, not a str"),
        ({"metadata": {"x": 1j}}, "metadata.x"),
        ({"metadata": {"attempt": 2}}, "metadata.attempt: the name is one that Spine itself writes"),
        ({"output": {1: 2, "x": 1j}}, "outputs.b.x"),
    ],
)
def test_every_part_of_a_result_is_judged(runner, ran, result, path):  # INV-10, INV-50
    good = [{}]
    give = ran.step("b", lambda ctx: StepResult.ok(**(good[0] if ctx.is_resumed else result)))

    failed = runner.execute(ran.workflow("a", give))

    assert (failed.status, failed.error_step, failed.completed_steps) == ("failed", "b", ["a"])
    assert failed.error.startswith(path)
    assert failed.context.params == {}
    assert runner.resume(failed.run_id).completed_steps == ["b"]


def test_what_a_skipped_step_measured_is_judged_too(runner, ran):
    skipped = [StepResult(outcome=Outcome.SKIPPED, reason="there", metadata={name: 1}) for name in ("duration", "rows")]

    failed, fine = (runner.execute(ran.workflow(ran.step("a", lambda ctx, each=each: each))) for each in skipped)

    assert failed.error == "metadata.duration: the name is one that Spine itself writes; choose another"
    assert fine.skipped_steps == ["a"]
    assert runner.list_checkpoints(fine.run_id)[0].metadata["rows"] == 1


def test_a_result_is_judged_whether_the_step_leaves_a_checkpoint_or_not(runner, ran):
    quiet = Step.lambda_("a", lambda ctx, config: StepResult.ok(metadata={"duration": 1}), checkpoint=False)

    failed = runner.execute(Workflow("w", [quiet, ran.step("b")]))

    assert failed.error == "metadata.duration: the name is one that Spine itself writes; choose another"


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({"params": {"rows": [1, {"price": 1j}]}}, NotStorable, r"params.rows\[1\].price: a complex"),
        ({"params": [1]}, InvalidParams, "params must be a mapping of names to values, not a list"),
        ({"params": "x=1"}, InvalidParams, "params must be a mapping"),
        ({"params": {1: 2}}, InvalidParams, "the name 1 must be text"),
        ({"params": {"__resumed__": True}}, InvalidParams, "Spine's own"),
        ({"params": {"a\0": 1}}, NotStorable, "without NUL"),
        ({"params": {"": 1}}, NotStorable, "not empty"),
        ({"partition": [1]}, InvalidParams, "partition must be a mapping"),
        ({"partition": {"date": 1j}}, NotStorable, "partition.date"),
        ({"params": {"a": "x" * 9_000_000, "b": "x" * 9_000_000}}, NotStorable, "16,777,216 bytes of JSON in all"),
    ],
)
def test_params_and_partition_are_judged_before_anything_runs(runner, ran, given, error, text):  # INV-50, INV-51
    with pytest.raises(error, match=text):
        runner.execute(ran.workflow("a"), run_id="1", **given)

    assert ran.steps == []
    with pytest.raises(RunNotFound):
        runner.get_run("1")


@pytest.mark.parametrize("override", [[1], "x", {1: 2}, {"__x": 1}, {"x": object()}, {"": 1}, {"x": deep()}])
def test_a_bad_override_changes_nothing(runner, ran, override):  # INV-50
    ran.broken["b"] = RuntimeError("down")
    run_id = runner.execute(ran.workflow("a", "b"), params={"x": 1}).run_id
    before = runner.get_run(run_id)
    ran.taken()

    with pytest.raises((InvalidParams, NotStorable)):
        runner.resume(run_id, params_override=override)

    assert runner.get_run(run_id) == before
    assert ran.steps == []


@pytest.mark.parametrize("letter", ["x", "ü", "\U0001f600"])
def test_names_count_towards_the_limit_in_bytes(store_url, registry, ran, letter):  # INV-50, INV-52
    name = letter * (2048 // len(letter.encode()))
    with WorkflowRunner(store_url, registry=registry, max_snapshot_bytes=2048) as runner:
        with pytest.raises(NotStorable, match="more than 2,048 bytes"):
            runner.execute(ran.workflow("a"), params={name: 1})
        failed = runner.execute(ran.workflow(ran.step("a", lambda ctx: {name: 1})))

        assert (failed.status, failed.error_type) == ("failed", "NotStorable")
        assert [run.run_id for run in runner.list_runs()] == [failed.run_id]
    assert ran.steps == ["a"]


def test_defaults_and_params_and_overrides_have_that_limit_before_anything_runs(runner, ran):  # INV-52
    def text(size=9_000_000):
        return "x" * size

    with pytest.raises(NotStorable, match="the context: more than 16,777,216 bytes of JSON"):
        runner.execute(Workflow("w", [ran.step("a")], defaults={"a": text()}), params={"b": text()})
    assert runner.list_runs() == []

    ran.broken["b"] = OSError("down")
    failed = runner.execute(ran.workflow("a", "b"), params={"a": text()})
    ran.taken()
    with pytest.raises(NotStorable, match="the context: more than 16,777,216 bytes of JSON"):
        runner.resume(failed.run_id, {"b": text()})
    assert (ran.taken(), runner.get_run(failed.run_id).status) == ([], "failed")


def test_a_run_goes_on_as_far_as_it_can_where_the_limit_was_lowered(sqlite_url, ran):
    ran.broken["b"] = OSError("down")
    flow = Workflow("w", [ran.step("a", lambda ctx: {"text": "x" * 3000}), ran.step("b", checkpoint=False)])
    with WorkflowRunner(sqlite_url) as runner:
        failed = runner.execute(flow, run_id="r")
    ran.repair()

    with WorkflowRunner(sqlite_url, max_snapshot_bytes=2000) as runner:
        with pytest.raises(NotStorable, match="the context: more than 2,000 bytes"):
            runner.execute(flow, {"retry": True}, run_id="r", start_from="b")
        assert runner.execute(flow, run_id="r", start_from="b").raise_for_status().completed_steps == ["b"]
    assert failed.error_step == "b"


def test_a_run_that_was_given_a_context_goes_on_where_the_limit_was_lowered(sqlite_url, ran):
    ran.broken["a"] = OSError("down")
    flow = Workflow("w", [ran.step("a", checkpoint=False)])
    with WorkflowRunner(sqlite_url) as runner:
        runner.execute(flow, context=WorkflowContext(run_id="r", workflow_name="w", params={"text": "x" * 3000}))
    ran.repair()

    with WorkflowRunner(sqlite_url, max_snapshot_bytes=2000) as runner:
        assert runner.resume("r", {"text": "short"}).raise_for_status().context.params["text"] == "short"


def test_what_is_admitted_can_be_kept(store_url, registry, ran):  # INV-52
    flow = ran.workflow(ran.step("a", lambda ctx: StepResult.skip("nothing to do")))

    def outcome(runner, size):
        try:
            return runner.execute(flow, {"text": "x" * size}).status
        except NotStorable:
            return "refused"

    with WorkflowRunner(store_url, registry=registry, max_snapshot_bytes=2048) as runner:
        outcomes = {outcome(runner, size) for size in range(1600, 2048, 16)}

    assert outcomes == {"completed", "refused"}


def test_many_small_outputs_have_the_limit_of_the_whole(runner, ran):  # INV-52
    steps = [ran.step(f"s{n}", lambda ctx: {"text": "x" * 5_000_000}) for n in range(5)]

    failed = runner.execute(ran.workflow(*steps))

    assert (failed.status, failed.error_step, failed.error_type) == ("failed", "s3", "NotStorable")
    assert "the snapshot after step 's3'" in failed.error
    assert failed.completed_steps == ["s0", "s1", "s2"]
    assert runner.get_run(failed.run_id).status == "failed"
