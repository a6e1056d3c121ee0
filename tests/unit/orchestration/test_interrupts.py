"""Signals: at once in a step, never in one of Spine's own writes, and afterwards they go on."""

# ruff: noqa: PT012  # where in a block a signal arrives is what these tests are about

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from spine import clock
from spine.orchestration import Registry, Step, StepContext, Workflow, WorkflowRunner
from spine.orchestration.interrupts import Interrupted, Interrupts
from spine.records.claim import NewRun
from spine.records.lease import Lease
from spine.stores.memory import MemoryStore

TERM, INT = signal.SIGTERM, signal.SIGINT
INTERRUPTS_FILE = Interrupts.__enter__.__code__.co_filename


@pytest.fixture(autouse=True)
def usual_handlers() -> Iterator[None]:
    """Whatever this process was started with: a shell's background jobs ignore SIGINT."""
    before = {signum: signal.getsignal(signum) for signum in (TERM, INT)}
    signal.signal(TERM, signal.SIG_DFL)
    signal.signal(INT, signal.default_int_handler)
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)


def send(signum: int) -> None:
    os.kill(os.getpid(), signum)


@pytest.mark.parametrize(("signum", "goes_on_as"), [(TERM, SystemExit), (INT, KeyboardInterrupt)])
def test_a_signal_interrupts_a_step_at_once_and_goes_on_after_the_drive(signum, goes_on_as):
    reached = []
    interrupts = Interrupts()

    with pytest.raises(goes_on_as) as raised, interrupts.handled():
        with pytest.raises(Interrupted, match=signal.Signals(signum).name), interrupts:
            send(signum)
            reached.append("after the signal")
        reached.append("written down")

    assert reached == ["written down"]
    assert signum == INT or raised.value.code == 143


@pytest.mark.parametrize("signum", [TERM, INT])
def test_a_signal_outside_a_step_waits_for_the_next_one(signum):
    reached = []
    interrupts = Interrupts()

    with pytest.raises((SystemExit, KeyboardInterrupt)), interrupts.handled():
        send(signum)
        reached.append("the write is done")
        with pytest.raises(Interrupted), interrupts:
            reached.append("the step")

    assert reached == ["the write is done"]


def test_a_step_that_catches_every_exception_is_interrupted_all_the_same():
    interrupts = Interrupts()

    def stubborn() -> None:
        try:
            send(TERM)
        except Exception:
            pytest.fail("an Exception")

    with pytest.raises(SystemExit), interrupts.handled(), pytest.raises(Interrupted), interrupts:
        stubborn()


def test_the_handlers_are_there_during_the_drive_only():
    before = signal.getsignal(TERM), signal.getsignal(INT)
    interrupts = Interrupts()

    with interrupts.handled():
        assert signal.getsignal(TERM) not in (before[0], signal.SIG_DFL)
    assert (signal.getsignal(TERM), signal.getsignal(INT)) == before

    with pytest.raises(RuntimeError), Interrupts().handled():
        raise RuntimeError
    assert (signal.getsignal(TERM), signal.getsignal(INT)) == before


def test_whenever_ctrl_c_comes_it_is_raised_and_the_handlers_are_given_back():
    before = signal.getsignal(TERM), signal.getsignal(INT)
    instants = 0

    while drive_interrupted_at(instants):
        assert (signal.getsignal(TERM), signal.getsignal(INT)) == before, f"instant {instants}"
        instants += 1

    assert instants > 100


def drive_interrupted_at(instant: int) -> bool:
    """Send SIGINT at this bytecode of `Interrupts`, and tell whether there was one."""
    left, interrupts = instant, Interrupts()

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal left
        frame.f_trace_opcodes = True
        if frame.f_code.co_filename != INTERRUPTS_FILE or event != "opcode":
            return trace
        left -= 1
        if left == -1:
            send(INT)
        return trace

    sys._getframe().f_trace_opcodes = True  # Python 3.12 looks for one that wants them when tracing begins
    try:
        sys.settrace(trace)
        with interrupts.handled():
            pass
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(None)
    assert left >= 0, f"the signal of instant {instant} was lost"
    return False


@pytest.mark.parametrize("owner", [signal.SIG_IGN, lambda signum, frame: None])
def test_a_program_that_handles_sigterm_keeps_its_handler(owner):
    signal.signal(TERM, owner)
    try:
        with Interrupts().handled():
            assert signal.getsignal(TERM) is owner
            assert signal.getsignal(INT) is signal.default_int_handler
    finally:
        signal.signal(TERM, signal.SIG_DFL)


@pytest.mark.parametrize(("signum", "goes_on_as"), [(TERM, SystemExit), (INT, KeyboardInterrupt)])
def test_what_a_loop_of_asyncio_gave_back_is_handled_again(signum, goes_on_as):
    async def listen() -> None:
        asyncio.get_running_loop().add_signal_handler(signum, print)

    def stop(ctx: StepContext, config: object) -> None:
        assert signal.getsignal(signum) not in (signal.SIG_DFL, signal.default_int_handler)
        send(signum)

    stopped = Workflow(
        "w", [Step.lambda_("listen", lambda ctx, config: asyncio.run(listen()) or {}), Step.lambda_("stop", stop)]
    )
    with WorkflowRunner("memory://", registry=Registry()) as runner:
        with pytest.raises(goes_on_as):
            runner.execute(stopped, run_id="r")
        assert (runner.get_run("r").error_step, runner.get_run("r").error_type) == ("stop", "Interrupted")


@pytest.mark.parametrize(("where", "signum"), [("inside the loop", INT), ("after it", INT), ("after it", TERM)])
def test_a_drive_in_a_step_whose_loop_took_a_signal_is_interrupted_in_no_write(where, signum):
    class Signalling(MemoryStore):
        def create_run(self, new: NewRun) -> Lease | None:
            lease = super().create_run(new)
            if new.run_id == "inner":
                send(signum)
            return lease

    runner = WorkflowRunner(store=Signalling(), registry=Registry())
    inner = Workflow("inner", [Step.lambda_("a", lambda ctx, config: {})])

    async def listen(ctx: StepContext) -> None:
        asyncio.get_running_loop().add_signal_handler(TERM, print)
        if where == "inside the loop":
            runner.execute(inner, run_id="inner")

    def outer(ctx: StepContext, config: object) -> None:
        asyncio.run(listen(ctx))
        runner.execute(inner, run_id="inner")

    with runner:
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            runner.execute(Workflow("outer", [Step.lambda_("outer", outer)]), run_id="outer")
        ends = [(run.status, run.error_type, run.lease) for run in map(runner.get_run, ("inner", "outer"))]
    assert ends == [("failed", "Interrupted", None)] * 2
    assert (signal.getsignal(TERM), signal.getsignal(INT)) == (signal.SIG_DFL, signal.default_int_handler)


def test_ctrl_c_at_the_end_of_a_step_whose_loop_took_it_is_recorded(monkeypatch):
    ticks, stopwatch = [], clock.stopwatch

    async def listen() -> None:
        asyncio.get_running_loop().add_signal_handler(INT, print)

    def tick() -> float:
        if ticks:
            ticks.pop()
            send(INT)
        return stopwatch()

    def step(ctx: StepContext, config: object) -> None:
        asyncio.run(listen())
        ticks.append("the next one")

    monkeypatch.setattr(clock, "stopwatch", tick)
    with WorkflowRunner("memory://", registry=Registry()) as runner:
        with pytest.raises(KeyboardInterrupt):
            runner.execute(Workflow("w", [Step.lambda_("a", step)]), run_id="r")
        assert (runner.get_run("r").error_type, runner.get_run("r").lease) == ("Interrupted", None)


def test_a_handler_that_a_step_leaves_behind_is_its_own():
    interrupts = Interrupts()
    with interrupts.handled():
        signal.signal(TERM, signal.SIG_IGN)
        interrupts.take_back()
        assert signal.getsignal(TERM) is signal.SIG_IGN


def test_other_threads_leave_signals_alone():
    seen = []

    def drive() -> None:
        with Interrupts.of_this_thread().handled():
            seen.append(signal.getsignal(TERM))

    thread = threading.Thread(target=drive)
    thread.start()
    thread.join()

    assert seen == [signal.SIG_DFL]


def test_a_drive_inside_a_step_shares_its_signals():
    outer = Interrupts()
    reached = []

    with pytest.raises(SystemExit), outer.handled(), pytest.raises(Interrupted), outer:
        inner = Interrupts.of_this_thread()
        assert inner is outer
        with inner.handled():
            send(TERM)
            reached.append("the inner write is done")
            with pytest.raises(Interrupted), inner:
                reached.append("the inner step")
            reached.append("the inner run is written down")
        reached.append("the outer step goes on")

    assert reached == ["the inner write is done", "the inner run is written down"]


def test_after_a_drive_inside_it_a_step_can_be_interrupted_again():
    outer = Interrupts()

    with pytest.raises(SystemExit), outer.handled(), pytest.raises(Interrupted), outer:
        with Interrupts.of_this_thread().handled():
            pass
        send(TERM)
        pytest.fail("not interrupted")


def test_without_a_drive_around_it_a_drive_has_its_own():
    assert Interrupts.of_this_thread() is not Interrupts.of_this_thread()


@pytest.mark.parametrize("in_step", [False, True])
def test_a_second_signal_ends_the_process(in_step):
    child = os.fork()
    if child == 0:
        interrupts = Interrupts()
        interrupts._install()
        interrupts._in_step = in_step
        with suppress(Interrupted):
            send(TERM)
        send(TERM)
        os._exit(0)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -TERM


def test_a_forked_child_has_the_default_action():
    interrupts = Interrupts()
    with interrupts.handled(), interrupts:
        child = os.fork()
        if child == 0:
            send(TERM)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -TERM
        assert interrupts._pending is None
