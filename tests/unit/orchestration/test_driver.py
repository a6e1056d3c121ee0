"""The edges of a drive: a signal while it is admitted, and hooks that are told of its beginning."""

import os
import signal
from contextlib import suppress
from datetime import timedelta

import pytest

from spine import clock
from spine.errors import InvalidSetting, SpineError
from spine.orchestration.registry import Registry
from spine.orchestration.runner import WorkflowRunner
from spine.orchestration.workflow import Workflow
from spine.records.context import WorkflowContext
from spine.records.event import EventKind
from spine.steps.step import Step
from spine.stores.memory import MemoryStore


class SignalledStore(MemoryStore):
    """A store in which the operator presses Ctrl-C as soon as a lease was taken."""

    def _take(self, *arguments):
        lease = super()._take(*arguments)
        os.kill(os.getpid(), signal.SIGINT)
        return lease


@pytest.fixture
def interruptible():
    before = signal.signal(signal.SIGINT, signal.default_int_handler), signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGINT, before[0])
    signal.signal(signal.SIGTERM, before[1])


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("verb", ["execute", "resume"])
def test_ctrl_c_when_the_lease_was_just_taken_leaves_a_run_that_goes_on_at_once(verb):
    ran = []
    flow = Workflow("w", [Step.lambda_("a", lambda ctx, config: ran.append(ctx.run_id) or {})])
    store = SignalledStore()
    runner = WorkflowRunner(store=store, registry=Registry())
    with pytest.raises(KeyboardInterrupt):
        runner.execute(flow, run_id="r")
    if verb == "resume":
        with pytest.raises(KeyboardInterrupt):
            runner.resume("r")

    assert ran == []
    run = runner.get_run("r")
    assert (run.status, run.error_type, run.lease) == ("failed", "Interrupted", None)
    store.__class__ = MemoryStore
    assert runner.resume("r").status == "completed"


def test_a_hook_that_hears_of_the_beginning_for_longer_than_a_lease_loses_no_run():
    store, seen = MemoryStore(), []

    class Slow:
        def wants(self, kind):
            if kind is EventKind.RUN_STARTED:
                self.wait()
            return kind is EventKind.RUN_STARTED

        def on_event(self, event):
            self.wait()

        def wait(self):
            first = store.get_run("r").lease.expires_at
            while (lease := store.get_run("r").lease) is not None and lease.expires_at == first:
                pass  # until a heartbeat has renewed it, or it has run out
            seen.append(lease)

    runner = WorkflowRunner(store=store, registry=Registry(), lease_seconds=0.5, hooks=[Slow()])

    result = runner.execute(Workflow("w", [Step.lambda_("a", lambda ctx, config: {})]), run_id="r")

    assert result.status == "completed"
    assert len(seen) == 2
    assert None not in seen


def test_no_hook_hears_of_a_step_that_a_driver_who_slept_does_not_start_any_more(monkeypatch):
    store, told, uptime = MemoryStore(), [], [100.0]
    monkeypatch.setattr(clock, "uptime", lambda: uptime[0])

    class Sleeps:
        def on_event(self, event):
            told.append((event.kind.value, event.step))
            if event.kind is EventKind.CHECKPOINT_SAVED:
                store.cancel_run("r")
                uptime[0] += 1000

    flow = Workflow("w", [Step.lambda_(name, lambda ctx, config: {}) for name in "ab"])
    result = WorkflowRunner(store=store, registry=Registry(), hooks=[Sleeps()]).execute(flow, run_id="r")

    assert result.status == "cancelled"
    assert ("step.started", "a") in told
    assert ("step.started", "b") not in told


def test_a_driver_who_slept_while_its_checkpoints_were_deleted_is_told_that_its_run_is_cancelled(monkeypatch):
    store, ran, now = MemoryStore(), [], [clock.now()]
    monkeypatch.setattr(clock, "now", lambda: now[0])

    def oversleep(ctx, config):
        ran.append("a")
        now[0] += timedelta(hours=1)
        store.delete_checkpoints("r")
        return {}

    flow = Workflow("w", [Step.lambda_("a", oversleep), Step.lambda_("b", lambda ctx, config: ran.append("b"))])
    result = WorkflowRunner(store=store, registry=Registry()).execute(flow, run_id="r")

    assert (result.status, ran) == ("cancelled", ["a"])


def test_a_store_that_counts_as_empty_is_used_all_the_same():
    class Counted(MemoryStore):
        def __len__(self):
            return 0

    assert WorkflowRunner(store=Counted(), registry=Registry()).location == "memory://"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"secrets": {"PASSWORD": "x"}}, "secrets must be a function of a secret's name, not a dict"),
        ({"registry": {}}, "registry must be a Registry, not a dict"),
        ({"store": "sqlite:///x.db"}, "store must be a Store, not a str; a URL is given as database_url"),
        ({"store": MemoryStore}, "store must be a Store, not a type; a URL is given as database_url"),
        ({"store": MemoryStore(), "database_url": "memory://"}, "store and database_url are two databases; give one"),
    ],
)
def test_what_a_runner_cannot_use_is_refused_before_anything_runs(wrong, says):
    with pytest.raises(InvalidSetting, match=says):
        WorkflowRunner(**wrong)


@pytest.mark.usefixtures("interruptible")
def test_a_signal_while_a_run_inside_a_step_is_refused_ends_the_step_at_once():
    store, turns = MemoryStore(), []

    class Refusing(MemoryStore):
        def get_claimable(self, run_id):
            if turns:
                os.kill(os.getpid(), signal.SIGINT)
            return super().get_claimable(run_id)

    inner = Refusing()
    child = WorkflowRunner(store=inner, registry=Registry())
    child.execute(Workflow("child", [Step.lambda_("a", lambda ctx, config: {})]), run_id="done")

    def ask_again_and_again(ctx, config):
        for turn in range(5):
            turns.append(turn)
            with suppress(SpineError):
                child.resume("done")
        return {}

    parent = WorkflowRunner(store=store, registry=Registry())
    with pytest.raises(KeyboardInterrupt):
        parent.execute(Workflow("parent", [Step.lambda_("ask", ask_again_and_again)]), run_id="r")

    assert turns == [0]
    assert parent.get_run("r").error_type == "Interrupted"


def test_a_context_made_of_what_a_resumed_step_knows_has_no_param_of_spines_own():
    store, seen = MemoryStore(), []
    runner = WorkflowRunner(store=store, registry=Registry())
    child = Workflow("child", [Step.lambda_("a", lambda ctx, config: seen.append(dict(ctx.params)) or {})])

    def start(ctx, config):
        if not ctx.is_resumed:
            raise RuntimeError("not yet")
        runner.execute(child, context=WorkflowContext(run_id="c", workflow_name="child", params=ctx.params))
        return {}

    runner.execute(Workflow("parent", [Step.lambda_("start", start)]), {"day": 1}, run_id="r")

    assert runner.resume("r").status == "completed"
    assert seen == [{"day": 1}]
    assert runner.get_run("c").params == {"day": 1}
