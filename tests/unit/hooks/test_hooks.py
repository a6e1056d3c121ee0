"""Hooks are told what happens and change nothing."""

import asyncio
import logging
from datetime import UTC, datetime

import pytest

from spine.errors import InvalidSetting
from spine.hooks.dispatch import dispatch
from spine.hooks.logging import LoggingHook, line
from spine.orchestration.registry import Registry
from spine.orchestration.runner import WorkflowRunner
from spine.orchestration.workflow import Workflow
from spine.records.event import Event, EventKind
from spine.steps.result import StepResult
from spine.steps.step import Step


class Recorder:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def on_event(self, event: Event) -> None:
        self.events.append(event)

    @property
    def told(self) -> list[tuple[str, str | None]]:
        return [(event.kind.value, event.step) for event in self.events]


@pytest.mark.parametrize(
    ("hooks", "says"),
    [
        ([print], "not a builtin_function_or_method"),
        ([Recorder], "not the class Recorder"),
        ([Recorder(), 3], "not an int"),
        (3, "a list of hooks, not an int"),
    ],
)
def test_what_cannot_be_told_anything_is_refused_before_anything_runs(hooks, says):
    with pytest.raises(InvalidSetting, match=says):
        WorkflowRunner("memory://", hooks=hooks)


class Broken:
    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error or RuntimeError("hook is broken")

    def on_event(self, event: Event) -> None:
        raise self.error


def event(**fields) -> Event:
    given = {
        "kind": EventKind.STEP_STARTED,
        "run_id": "1",
        "workflow_name": "w",
        "at": datetime(2026, 1, 10, tzinfo=UTC),
    }
    return Event(**(given | fields))


def fail(ctx, config):
    if not ctx.is_resumed:
        raise RuntimeError("broken")
    return {}


def test_a_hook_is_told_each_thing_once_and_in_order():
    recorder = Recorder()
    steps = [
        Step.lambda_("a", lambda ctx, config: {"x": 1}),
        Step.lambda_("b", lambda ctx, config: StepResult.skip("no need")),
        Step.lambda_("c", fail),
    ]
    with WorkflowRunner("memory://", registry=Registry(), hooks=[recorder]) as runner:
        run_id = runner.execute(Workflow("w", steps)).run_id
        first, recorder.events[:] = recorder.told, []
        runner.resume(run_id)

    assert first == [
        ("run.started", None),
        ("step.started", "a"),
        ("checkpoint.saved", "a"),
        ("step.completed", "a"),
        ("step.started", "b"),
        ("checkpoint.saved", "b"),
        ("step.skipped", "b"),
        ("step.started", "c"),
        ("step.failed", "c"),
        ("run.failed", "c"),
    ]
    assert recorder.told == [
        ("run.resumed", None),
        ("step.started", "c"),
        ("checkpoint.saved", "c"),
        ("step.completed", "c"),
        ("run.completed", None),
    ]


def test_an_event_says_where_how_long_and_why():
    recorder = Recorder()
    with WorkflowRunner("memory://", registry=Registry(), hooks=[recorder]) as runner:
        runner.execute(Workflow("w", [Step.lambda_("a", fail)]), run_id="1")
    failed = recorder.events[2]

    assert (failed.kind, failed.run_id, failed.workflow_name, failed.step) == ("step.failed", "1", "w", "a")
    assert (failed.error, failed.error_type) == ("broken", "RuntimeError")
    assert failed.duration >= 0
    assert failed.at.tzinfo is UTC
    assert (failed.fields["position"], failed.fields["steps"]) == (1, 1)


@pytest.mark.parametrize(
    "error", [RuntimeError("x"), SystemExit(3), asyncio.CancelledError(), GeneratorExit()], ids=repr
)
def test_a_hook_that_raises_keeps_nobody_from_hearing_and_changes_nothing(caplog, error):
    recorder = Recorder()
    with WorkflowRunner("memory://", registry=Registry(), hooks=[Broken(error), recorder]) as runner:
        result = runner.execute(Workflow("w", [Step.lambda_("a", lambda ctx, config: {"x": 1})]))

    assert result.status == "completed"
    assert len(recorder.events) == 5
    assert "hook.failed hook=Broken event=step.started" in caplog.text


def test_a_signal_is_not_swallowed_with_a_hook():
    class Interrupting:
        def on_event(self, event: Event) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dispatch([Interrupting()], event())


def test_a_log_line_is_an_event_name_and_fields_on_one_line():
    told = event(kind=EventKind.STEP_FAILED, step="load", duration=1.5, error="a\nb", error_type="E", fields={"n": 1})

    assert line(told) == "step.failed run_id=1 workflow=w step=load duration=1.500s n=1 error_type=E error='a\\nb'"


def test_a_name_that_would_look_like_other_fields_is_quoted_and_records_have_names_as_fields(caplog):
    told = event(kind=EventKind.RUN_FAILED, workflow_name="w error=none", step="l'été", fields={"from_step": "a b=c"})

    with caplog.at_level("INFO", logger="spine"):
        LoggingHook().on_event(told)

    (record,) = caplog.records
    assert "workflow='w error=none' step=\"l'été\" from_step='a b=c'" in record.getMessage()
    assert (record.spine_run_id, record.spine_workflow, record.spine_step) == ("1", "w error=none", "l'été")


@pytest.mark.parametrize(
    ("kind", "level"),
    [
        (EventKind.RUN_FAILED, "ERROR"),
        (EventKind.RUN_CANCELLED, "WARNING"),
        (EventKind.RUN_STARTED, "INFO"),
        (EventKind.STEP_STARTED, "DEBUG"),
    ],
)
def test_a_log_has_levels(kind, level, caplog):
    with caplog.at_level(logging.DEBUG, logger="spine"):
        LoggingHook().on_event(event(kind=kind))

    assert [record.levelname for record in caplog.records] == [level]


class Choosy:
    def __init__(self, *kinds):
        self.kinds, self.heard = kinds, []

    def wants(self, kind):
        return kind in self.kinds

    def on_event(self, event):
        self.heard.append(event.kind)


class UnfitToBeAsked(Choosy):
    def wants(self, kind):
        raise RuntimeError("not now")


def test_a_hook_may_say_what_it_wants_to_hear():
    choosy, unfit = Choosy(EventKind.STEP_COMPLETED, EventKind.RUN_COMPLETED), UnfitToBeAsked()
    workflow = Workflow("w", [Step.lambda_("a", lambda ctx, config: {})])

    with WorkflowRunner("memory://", registry=Registry(), hooks=[choosy, unfit]) as runner:
        runner.execute(workflow)

    assert choosy.heard == [EventKind.STEP_COMPLETED, EventKind.RUN_COMPLETED]
    assert len(unfit.heard) > len(choosy.heard)


class Impatient(Recorder):
    def on_event(self, event):
        super().on_event(event)
        if event.kind is EventKind.RUN_STARTED:
            raise KeyboardInterrupt


def test_a_run_that_was_interrupted_before_its_first_step_can_go_on_at_once():
    workflow = Workflow("w", [Step.lambda_("a", lambda ctx, config: {})])
    with WorkflowRunner("memory://", registry=Registry(), hooks=[Impatient()]) as runner:
        with pytest.raises(KeyboardInterrupt):
            runner.execute(workflow, run_id="1")

        assert runner.resume("1").completed_steps == ["a"]


class Raising(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise OSError(f"no space left for {record.msg}")


def test_a_log_that_raises_changes_nothing():
    log = logging.getLogger("spine")
    log.addHandler(handler := Raising())
    try:
        with WorkflowRunner("memory://", registry=Registry(), hooks=[Broken()]) as runner:
            result = runner.execute(Workflow("w", [Step.lambda_("a", fail)]))
    finally:
        log.removeHandler(handler)

    assert (result.status, result.error) == ("failed", "broken")


def test_a_hook_that_exits_when_it_is_asked_is_told_all_the_same():
    class Asked(Recorder):
        def wants(self, kind: EventKind) -> bool:
            raise SystemExit(3)

    asked = Asked()
    with WorkflowRunner("memory://", registry=Registry(), hooks=[asked]) as runner:
        assert runner.execute(Workflow("w", [Step.lambda_("a", lambda ctx, config: {})])).status == "completed"

    assert len(asked.events) == 5


def test_a_hook_that_cannot_say_what_it_wants_is_told_of_everything_and_the_log_says_so(caplog):
    class Unsure(Recorder):
        def wants(self, kind):
            raise RuntimeError("ask me later")

    unsure = Unsure()
    WorkflowRunner("memory://", registry=Registry(), hooks=[unsure]).execute(
        Workflow("w", [Step.lambda_("a", lambda ctx, config: {})])
    )

    assert ("step.completed", "a") in unsure.told
    assert "ask me later" in caplog.text


def test_the_reason_of_a_skip_stays_on_its_line():
    told = line(event(kind=EventKind.STEP_SKIPPED, fields={"reason": "one\nrun.failed run_id=forged"}))

    assert len(told.splitlines()) == 1
