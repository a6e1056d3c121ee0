"""Leases stay alive while a step blocks."""

import logging
import threading

import pytest

from spine import clock
from spine.errors import LeaseLost, StoreBusy
from spine.orchestration.heartbeat import Heartbeat
from spine.orchestration.registry import Registry
from spine.orchestration.runner import WorkflowRunner
from spine.orchestration.workflow import Workflow
from spine.records.lease import Lease
from spine.steps.step import Step
from spine.stores.memory import MemoryStore

LONG = 20  # seconds to wait for what should come at once


class Watched(MemoryStore):
    """A memory store that tells when leases were renewed, and fails when it is told to."""

    def __init__(self, failures: int = 0, failure: Exception | None = None) -> None:
        super().__init__()
        self.failures = failures
        self.failure = failure or StoreBusy("not now")
        self.renewed: list[set[str]] = []
        self.told = threading.Condition()

    def renew_leases(self, leases, *, lease_seconds):
        with self.told:
            self.told.notify_all()
            if self.failures:
                self.failures -= 1
                raise self.failure
            held = super().renew_leases(leases, lease_seconds=lease_seconds)
            self.renewed.append(held)
            return held

    def wait(self, wanted) -> bool:
        with self.told:
            return self.told.wait_for(wanted, timeout=LONG)


def heartbeats() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "spine-heartbeat"}


def run(store: Watched, run_id: str, step) -> str:
    with WorkflowRunner(registry=Registry(), store=store, lease_seconds=0.5) as runner:
        return runner.execute(Workflow("w", [Step.lambda_("a", step)]), run_id=run_id).status


def test_a_lease_is_renewed_while_a_step_blocks():
    store = Watched()
    before = []

    def block(ctx, config):
        before.append(store.get_run("1").lease.expires_at)
        assert store.wait(lambda: len(store.renewed) >= 2)
        return {"later": store.get_run("1").lease.expires_at > before[0]}

    assert run(store, "1", block) == "completed"
    assert store.get_run("1").context.outputs["a"] == {"later": True}
    assert store.renewed[:2] == [{"1"}, {"1"}]


@pytest.mark.parametrize("failure", [StoreBusy("not now"), OSError("not now")])
def test_a_beat_that_fails_is_tried_again_and_fails_no_step(caplog, failure):
    store = Watched(failures=2, failure=failure)

    assert run(store, "1", lambda ctx, config: {"renewed": store.wait(lambda: len(store.renewed) > 0)}) == "completed"
    assert store.get_run("1").context.outputs["a"] == {"renewed": True}
    assert [record.getMessage() for record in caplog.records if "heartbeat" in record.getMessage()] == [
        "heartbeat.failed error='not now'"
    ] * 2


class Raising(logging.Handler):
    def emit(self, record):
        if "heartbeat" in record.getMessage():
            raise OSError("no space left for the log")


def test_a_beat_that_fails_and_cannot_be_logged_is_tried_again_too():
    store = Watched(failures=2)
    log = logging.getLogger("spine")
    log.addHandler(handler := Raising())
    try:
        ended = run(store, "1", lambda ctx, config: {"renewed": store.wait(lambda: len(store.renewed) > 0)})
    finally:
        log.removeHandler(handler)

    assert ended == "completed"
    assert store.get_run("1").context.outputs["a"] == {"renewed": True}


def test_one_thread_beats_for_all_runs_and_ends_with_the_last():
    store = Watched()
    both = threading.Barrier(2)
    before = heartbeats()

    def block(ctx, config):
        both.wait(LONG)
        assert store.wait(lambda: {"1", "2"} in store.renewed)
        threads = len(heartbeats() - before)
        both.wait(LONG)
        return {"threads": threads}

    with WorkflowRunner(registry=Registry(), store=store, lease_seconds=0.5) as runner:
        workflow = Workflow("w", [Step.lambda_("a", block)])
        threads = [threading.Thread(target=runner.execute, args=(workflow,), kwargs={"run_id": key}) for key in "12"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LONG)

    assert [store.get_run(key).context.outputs["a"] for key in "12"] == [{"threads": 1}] * 2


def test_the_thread_ends_when_no_lease_is_left():
    store = Watched()
    before, seen = heartbeats(), []

    def note(ctx, config):
        seen.extend(heartbeats() - before)
        return {}

    run(store, "1", note)

    assert len(seen) == 1
    seen[0].join(LONG)
    assert not seen[0].is_alive()


class Asked:
    """The question of a driver that may have slept, with what becomes of it."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.times = 0

    def __call__(self) -> None:
        self.times += 1
        if answer := self.answers.pop(0):
            raise answer


def lease_of_ann():
    noon = clock.now()
    return Lease(run_id="1", holder="ann@host/1", fence=1, acquired_at=noon, expires_at=noon)


@pytest.mark.parametrize("answer", [None, LeaseLost("taken"), StoreBusy("nobody knows")])
def test_a_driver_that_slept_past_its_lease_asks_whether_it_still_has_it(monkeypatch, answer):
    uptime = [100.0]
    monkeypatch.setattr(clock, "uptime", lambda: uptime[0])
    ask = Asked(answer)

    with Heartbeat(Watched(), lease_seconds=60).beating(lease_of_ann(), since=100.0) as pulse:
        uptime[0] += 59
        pulse.require(ask)
        assert ask.times == 0

        uptime[0] += 1
        if answer is None:
            pulse.require(ask)
        else:
            with pytest.raises(type(answer)):
                pulse.require(ask)
        assert ask.times == 1


def test_a_beat_counts_as_a_look_at_the_lease(monkeypatch):
    monkeypatch.setattr(clock, "uptime", lambda: 1100.0)
    store, ask = Watched(), Asked()
    beats = threading.Semaphore(0)

    def renew(held, *, lease_seconds):
        beats.release()
        return {each.run_id for each in held}

    store.renew_leases = renew
    heartbeat = Heartbeat(store, lease_seconds=0.03)
    with heartbeat.beating(lease_of_ann(), since=100.0) as pulse:
        for _ in range(2):  # what the first told is noted before the second
            assert beats.acquire(timeout=30)
        pulse.require(ask)

    assert ask.times == 0


def test_a_driver_that_slept_while_it_asked_asks_again(monkeypatch):
    uptime = [100.0]
    monkeypatch.setattr(clock, "uptime", lambda: uptime[0])
    asked = []

    def ask():
        asked.append(uptime[0])
        uptime[0] += 60
        if len(asked) > 1:
            raise LeaseLost("taken")

    with Heartbeat(Watched(), lease_seconds=60).beating(lease_of_ann(), since=0.0) as pulse, pytest.raises(LeaseLost):
        pulse.require(ask)
    assert len(asked) == 2


def test_a_thread_that_cannot_be_started_is_started_for_the_next_run(monkeypatch):
    store = Watched()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse_to_start)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            run(store, "1", lambda ctx, config: {})

    with WorkflowRunner(registry=Registry(), store=store, lease_seconds=0.5) as runner:
        workflow = Workflow("w", [Step.lambda_("a", lambda ctx, config: {"n": store.wait(lambda: store.renewed)})])
        monkeypatch.setattr(threading.Thread, "start", refuse_once(threading.Thread.start))
        with pytest.raises(RuntimeError, match="can't start new thread"):
            runner.execute(workflow, run_id="2")
        assert runner.execute(workflow, run_id="2").status == "completed"

    assert store.renewed[0] == {"2"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_is_followed_by_another():
    store = Watched(failures=1, failure=GeneratorExit())
    beat = Heartbeat(store, lease_seconds=0.1)
    with beat.beating(lease_of_ann(), since=0.0):
        assert store.wait(lambda: not store.failures)
        beat._thread.join(LONG)

    with beat.beating(lease_of_ann(), since=0.0):
        assert store.wait(lambda: store.renewed)


def refuse_to_start(thread):
    raise RuntimeError("can't start new thread")


def refuse_once(start):
    refusals = iter([refuse_to_start])

    def maybe_start(thread):
        next(refusals, start)(thread)

    return maybe_start
