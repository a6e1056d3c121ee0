"""A workflow whose steps got new names since a run took them: the run goes on as if they had always had them."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spine.orchestration import (
    DefinitionChanged,
    InvalidSetting,
    QualityMetrics,
    RunExists,
    RunStatus,
    Step,
    StepNotFound,
    StepResult,
    Workflow,
    WorkflowRunner,
)

OLD = ("extract", "clean", "load", "report")
NEW = ("fetch", "clean", "store", "report")
RENAMED = {"extract": "fetch", "load": "store"}


class Orders:
    """The workflow of a run, whatever its steps are called; `seen` is what each saw of those before."""

    def __init__(self) -> None:
        self.seen: dict[str, Any] = {}
        self.failing = ""

    def workflow(self, *names: str) -> Workflow:
        return Workflow("orders", [Step.lambda_(name, self._perform(name)) for name in names])

    def _perform(self, name: str) -> Any:
        def perform(ctx: Any, config: dict[str, Any]) -> StepResult:
            if name == self.failing:
                raise RuntimeError("not today")
            self.seen[name] = {step: dict(output) for step, output in ctx.outputs.items()}
            return StepResult.ok({"by": name}, quality=QualityMetrics(record_count=len(self.seen)))

        return perform


@pytest.fixture
def orders() -> Orders:
    return Orders()


@pytest.fixture
def failed(database_url: str, orders: Orders) -> str:
    """A run that failed in its third step."""
    orders.failing = "load"
    with WorkflowRunner(database_url) as runner:
        assert runner.execute(orders.workflow(*OLD), {"day": 10}, run_id="night").status is RunStatus.FAILED
    orders.failing = ""
    return database_url


def test_a_run_goes_on_under_the_new_names_of_its_steps(failed: str, orders: Orders):
    with WorkflowRunner(failed) as runner:
        runner.register(orders.workflow(*NEW))
        result = runner.resume("night", renamed=RENAMED)
        kept = runner.list_checkpoints("night")
        event = next(event for event in runner.list_events("night") if event.kind == "run.resumed")
        first = runner.get_checkpoint("night", "fetch")

    assert result.status is RunStatus.COMPLETED
    assert result.completed_steps == ["store", "report"]
    assert result.all_completed_steps == list(NEW)
    assert orders.seen["store"] == {"fetch": {"by": "extract"}, "clean": {"by": "clean"}}
    assert list(result.context.outputs) == list(NEW)
    assert result.context.quality_metrics["fetch"].record_count == 1
    assert [checkpoint.step_name for checkpoint in kept] == list(NEW)
    assert [checkpoint.next_step for checkpoint in kept] == ["clean", "store", "report", None]
    assert first.step_outputs == {"fetch": {"by": "extract"}}
    assert event.fields["renamed"] == RENAMED
    assert event.fields["from_step"] == "store"


def test_without_a_renaming_nothing_runs_and_the_error_says_how_to_give_one(failed: str, orders: Orders):
    with WorkflowRunner(failed) as runner:
        runner.register(orders.workflow(*NEW))
        with pytest.raises(
            DefinitionChanged, match=r"renamed=\{old: new\} \(spine resume night --renamed extract=fetch\)"
        ):
            runner.resume("night")

    assert "store" not in orders.seen


def test_two_steps_may_have_swapped_their_names(failed: str, orders: Orders):
    with WorkflowRunner(failed) as runner:
        runner.register(orders.workflow("clean", "extract", "load", "report"))
        result = runner.resume("night", renamed={"extract": "clean", "clean": "extract"})

    assert result.status is RunStatus.COMPLETED
    assert list(result.context.outputs) == ["clean", "extract", "load", "report"]
    assert orders.seen["load"] == {"clean": {"by": "extract"}, "extract": {"by": "clean"}}


def test_a_renaming_is_given_once(failed: str, orders: Orders):
    orders.failing = "store"
    with WorkflowRunner(failed) as runner:
        runner.register(orders.workflow(*NEW))
        again = runner.resume("night", {"day": 11}, renamed=RENAMED)
        orders.failing = ""
        with pytest.raises(StepNotFound, match="no step 'extract' that could be renamed; its steps are: fetch"):
            runner.resume("night", renamed=RENAMED)
        result = runner.resume("night")

    assert (again.status, again.error_step) == (RunStatus.FAILED, "store")
    assert result.completed_steps == ["store", "report"]
    assert result.context.params == {"day": 11}


def test_what_the_run_was_told_before_is_renamed_too(failed: str, orders: Orders):
    orders.failing = "report"
    with WorkflowRunner(failed) as runner:
        context = runner.get_run("night").context.with_params({"day": 12})
        runner.execute(orders.workflow(*OLD), context=context, start_from="report")
        orders.failing = ""
        runner.register(orders.workflow("fetch", "clean", "store", "tell"))
        result = runner.resume("night", renamed=RENAMED | {"report": "tell"})

    assert result.completed_steps == ["tell"]
    assert result.skipped_steps == ["store"]
    assert result.context.params == {"day": 12}
    assert orders.seen["tell"] == {"fetch": {"by": "extract"}, "clean": {"by": "clean"}}


def test_a_run_can_be_continued_at_a_step_by_its_new_name(failed: str, orders: Orders):
    with WorkflowRunner(failed) as runner:
        result = runner.execute(
            orders.workflow("fetch", "tidy", "store", "report"),
            run_id="night",
            start_from="tidy",
            renamed=RENAMED | {"clean": "tidy"},
        )
        event = next(event for event in runner.list_events("night") if event.kind == "run.resumed")
        kept = runner.list_checkpoints("night")

    assert result.completed_steps == ["tidy", "store", "report"]
    assert orders.seen["tidy"] == {"fetch": {"by": "extract"}}
    assert event.fields["removed_checkpoints"] == ["tidy"]
    assert [checkpoint.step_name for checkpoint in kept] == ["fetch", "tidy", "store", "report"]


def test_going_back_to_a_renamed_step_leaves_nothing_of_it_or_later_ones(failed: str, orders: Orders):
    orders.failing = "tidy"
    with WorkflowRunner(failed) as runner:
        runner.execute(
            orders.workflow("fetch", "tidy", "store", "report"),
            run_id="night",
            start_from="tidy",
            renamed=RENAMED | {"clean": "tidy"},
        )
        kept = runner.list_checkpoints("night")

    assert [checkpoint.step_name for checkpoint in kept] == ["fetch"]


def test_a_context_that_the_caller_brings_is_renamed_like_the_run(failed: str, orders: Orders):
    with WorkflowRunner(failed) as runner:
        context = runner.get_run("night").context.with_params({"day": 12})
        result = runner.execute(orders.workflow(*NEW), context=context, renamed=RENAMED)

    assert result.status is RunStatus.COMPLETED
    assert orders.seen["store"] == {"fetch": {"by": "extract"}, "clean": {"by": "clean"}}


@pytest.mark.parametrize(
    ("names", "renamed", "error"),
    [
        (NEW, {"unpack": "fetch"}, StepNotFound),
        (NEW, {"extract": "download"}, StepNotFound),
        (NEW, {"extract": "fetch", "load": "fetch"}, InvalidSetting),
        (("clean", "load", "report"), {"extract": "clean"}, InvalidSetting),
        (NEW, {"extract": "clean"}, InvalidSetting),
        (NEW, {"extract": "store"}, DefinitionChanged),
    ],
)
def test_a_renaming_that_does_not_fit_is_refused_and_nothing_happens(
    failed: str, orders: Orders, names: tuple[str, ...], renamed: dict[str, str], error: type[Exception]
):
    with WorkflowRunner(failed) as runner:
        runner.register(orders.workflow(*names))
        before = runner.get_run("night"), runner.list_checkpoints("night"), runner.list_events("night")
        with pytest.raises(error):
            runner.resume("night", renamed=renamed)

        assert (runner.get_run("night"), runner.list_checkpoints("night"), runner.list_events("night")) == before


def test_a_new_run_has_nothing_to_rename(sqlite_url: str, orders: Orders):
    with WorkflowRunner(sqlite_url) as runner:
        with pytest.raises(InvalidSetting, match="leave it out"):
            runner.execute(orders.workflow(*NEW), run_id="night", renamed=RENAMED)
        assert runner.list_runs() == []
        runner.execute(orders.workflow(*NEW), run_id="night")
        with pytest.raises(RunExists):
            runner.execute(orders.workflow(*NEW), run_id="night", renamed=RENAMED)


ETL = """
from spine.orchestration import Step, Workflow

def load(ctx, config):
    if not ctx.is_resumed:
        raise RuntimeError("not today")
    return {"seen": sorted(ctx.outputs)}

etl = Workflow("etl", [Step.lambda_("extract", lambda ctx, config: {}), Step.lambda_("load", load)])
"""


def test_an_operator_says_what_was_renamed(place: Path, spine: Any):
    (place / "old.py").write_text(ETL)
    (place / "new.py").write_text(ETL.replace('"extract"', '"fetch"'))
    spine("run", "old.py", "--run-id", "night")

    refused = spine("resume", "night", "--app", "new.py")
    unreadable = spine("resume", "night", "--app", "new.py", "--renamed", "extract")
    resumed = spine("resume", "night", "--app", "new.py", "--renamed", "extract=fetch", "--json")
    shown = spine("runs", "show", "night")

    assert refused.code == 4
    assert "--renamed extract=fetch" in refused.err
    assert unreadable.code == 2
    assert "--renamed takes OLD=NEW" in unreadable.err
    assert resumed.code == 0, resumed.err
    assert resumed.json["all_completed_steps"] == ["fetch", "load"]
    assert "extract" in shown.out  # the history says what was renamed


DRIVER = """
import os, signal, sys
from spine.orchestration import Step, Workflow, WorkflowRunner

def die(ctx, config):
    os.kill(os.getpid(), signal.SIGKILL)

steps = [Step.lambda_(name, die) for name in ("fetch", "clean", "store", "report")]
with WorkflowRunner(sys.argv[1], lease_seconds=0.5) as runner:
    runner.register(Workflow("orders", steps))
    runner.resume("night", renamed={"extract": "fetch", "load": "store"})
"""


def test_a_driver_that_was_killed_after_renaming_leaves_a_run_under_the_new_names(
    failed: str, orders: Orders, tmp_path: Path
):
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    ended = subprocess.run([sys.executable, script, failed], check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr

    with WorkflowRunner(failed) as runner:
        while not runner.get_run("night").is_crashed:
            pass
        runner.register(orders.workflow(*NEW))
        result = runner.resume("night")

    assert result.completed_steps == ["store", "report"]
    assert orders.seen["store"] == {"fetch": {"by": "extract"}, "clean": {"by": "clean"}}


def keyed(keys: list[tuple[str, str]], *names: str, failing: str = "") -> Workflow:
    """Make a workflow whose steps note their keys, and of which one fails."""

    def perform(ctx: Any, config: dict[str, Any]) -> dict[str, Any]:
        keys.append((ctx.step_name, ctx.idempotency_key("charge")))
        if ctx.step_name == failing:
            raise RuntimeError("not today")
        return {}

    return Workflow("orders", [Step.lambda_(name, perform) for name in names])


def test_a_step_that_was_renamed_keeps_its_idempotency_key(database_url: str):
    keys: list[tuple[str, str]] = []
    with WorkflowRunner(database_url) as runner:
        runner.execute(keyed(keys, "pay", failing="pay"), run_id="night")
        runner.register(keyed(keys, "charge", failing="charge"))
        runner.resume("night", renamed={"pay": "charge"})
        runner.resume("night")  # it need not be told again
        runner.register(keyed(keys, "bill"))
        runner.resume("night", renamed={"charge": "bill"})

    assert [name for name, _ in keys] == ["pay", "charge", "charge", "bill"]
    assert len({key for _, key in keys}) == 1


def test_no_other_step_gets_the_key_of_one_that_was_renamed(database_url: str):
    keys: list[tuple[str, str]] = []
    with WorkflowRunner(database_url) as runner:
        runner.execute(keyed(keys, "order", "pay", failing="pay"), run_id="night")
        runner.register(keyed(keys, "order", "charge", "pay", failing="pay"))
        runner.resume("night", renamed={"pay": "charge"})
        runner.register(keyed(keys, "order", "charge", "pay"))
        runner.resume("night")

    assert [name for name, _ in keys] == ["order", "pay", "charge", "pay", "pay"]
    told = [key for _, key in keys]
    assert told[1] == told[2]
    assert told[3] == told[4]
    assert len(set(told)) == 3


def test_steps_that_swap_their_names_keep_their_own_keys(database_url: str):
    keys: list[tuple[str, str]] = []
    with WorkflowRunner(database_url) as runner:
        runner.execute(keyed(keys, "one", "two", "three", failing="three"), run_id="night")
        runner.execute(
            keyed(keys, "two", "one", "three"), run_id="night", start_from="two", renamed={"one": "two", "two": "one"}
        )

    told = [key for _, key in keys]
    assert told[3:] == told[:3]


def test_a_step_that_gets_its_first_name_back_without_telling_has_its_key_again(database_url: str):
    keys: list[tuple[str, str]] = []
    with WorkflowRunner(database_url) as runner:
        runner.execute(keyed(keys, "order", "pay", failing="pay"), run_id="night")
        runner.register(keyed(keys, "order", "charge", failing="charge"))
        runner.resume("night", renamed={"pay": "charge"})
        runner.register(keyed(keys, "order", "pay", failing="pay"))  # the old program again
        runner.resume("night")

    told = dict(keys)
    assert [name for name, _ in keys] == ["order", "pay", "charge", "pay"]
    assert told["pay"] == told["charge"]
    assert len({key for _, key in keys}) == 2


def test_a_step_that_comes_back_without_telling_is_a_new_one_and_shares_no_key(database_url: str):
    keys: list[tuple[str, str]] = []
    with WorkflowRunner(database_url) as runner:
        runner.execute(keyed(keys, "pay", "end", failing="end"), run_id="night")
        charged = keyed(keys, "charge", "end", failing="end")
        runner.execute(charged, run_id="night", start_from="charge", renamed={"pay": "charge"})
        runner.execute(keyed(keys, "pay", "end", failing="end"), run_id="night", start_from="pay")
        keys.clear()
        billed = keyed(keys, "bill", "charge", "end")
        runner.execute(billed, run_id="night", start_from="bill", renamed={"pay": "bill"})

    assert [name for name, _ in keys] == ["bill", "charge", "end"]
    assert len({key for _, key in keys}) == 3


def test_steps_under_names_that_were_given_away_again_and_again_have_keys_of_their_own(database_url: str):
    keys: list[tuple[str, str]] = []
    with WorkflowRunner(database_url) as runner:
        runner.execute(keyed(keys, "a", "another a", "z", failing="z"), run_id="night")
        again = {"run_id": "night", "start_from": "a"}
        runner.execute(keyed(keys, "x", "a", "another a", "z", failing="z"), renamed={"a": "x"}, **again)
        keys.clear()
        last = keyed(keys, "x", "y", "a", "another a", "z")
        runner.execute(last, renamed={"a": "y"}, run_id="night", start_from="x")

    assert [name for name, _ in keys] == ["x", "y", "a", "another a", "z"]
    assert len({key for _, key in keys}) == 5
