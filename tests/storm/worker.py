"""A process of the storm: does as ordered through Spine's public API, and notes how each attempt ended."""

import ctypes
import faulthandler
import logging
import signal
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from typing import Any

from spine.orchestration import Registry, RunNotFound, SpineError, StoreError, WorkflowResult, WorkflowRunner
from tests.storm import diary
from tests.storm.doom import doomed
from tests.storm.order import Order
from tests.storm.plot import workflow_of
from tests.storm.story import Story

LIMIT_SECONDS = 75.0
POLL_SECONDS = 0.02
PURGE_DAYS = 1.0
SET_PARENT_DEATH_SIGNAL = 1
# Outcomes after which `drive` tries again: others are busy, or the database is away.
AGAIN = frozenset({"RunIsHeld", "StoreUnavailable", "StoreBusy"})


def work(order: Order) -> None:
    """Be the worker; the exit code is that of the signal that ended it, as a shell sees it."""
    _end_with_parent()
    _silence_logs()
    with order.journal.with_suffix(".hung").open("w") as hung:
        faulthandler.dump_traceback_later(LIMIT_SECONDS, exit=True, file=hung)
        try:
            with WorkflowRunner(
                order.url,
                registry=Registry(),
                lease_seconds=order.lease_seconds,
                reconnect_seconds=order.reconnect_seconds,
            ) as runner:
                Hand(order, runner).obey()
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # which comes too late now, and would look like an error
        except KeyboardInterrupt:
            raise SystemExit(128 + signal.SIGINT) from None
        finally:
            faulthandler.cancel_dump_traceback_later()


class Hand:
    """Carries out one order."""

    def __init__(self, order: Order, runner: WorkflowRunner) -> None:
        self._order = order
        self._runner = runner
        self._attempts = count(1)

    def obey(self) -> None:
        if self._order.start_at:
            self._runner.list_runs(limit=1)  # what comes at that moment is not to begin with connecting
        diary.note(self._order.journal, "ready")
        while time.monotonic() < self._order.start_at:
            pass  # awake, so that all who wait for this moment begin in the same microseconds
        if self._order.verb == "recover":
            self._recover()
        elif self._order.verb == "purge":
            names = [story.workflow_name for story in self._order.stories]
            self._try("", lambda attempt: self._runner.purge(PURGE_DAYS, workflows=names))
        else:
            self._do_with_each({"drive": self._drive, "execute": self._execute, "resume": self._resume})
        diary.note(self._order.journal, "over")

    def _do_with_each(self, verbs: Mapping[str, Callable[[Story], str]]) -> None:
        with ThreadPoolExecutor(len(self._order.stories)) as pool:
            do = pool.map if self._order.is_threaded else map
            for outcome in do(verbs[self._order.verb], self._order.stories):
                assert outcome

    def _execute(self, story: Story) -> str:
        return self._try(story.run_id, lambda attempt: self._begin(story, attempt))

    def _resume(self, story: Story) -> str:
        return self._try(story.run_id, lambda attempt: self._go_on(story, attempt))

    def _drive(self, story: Story) -> str:
        """Do what somebody does who wants this run done: wait for others, then begin it or go on with it."""
        deadline = time.monotonic() + self._order.patience
        while True:
            self._wait_until_free(story, deadline)
            outcome = self._try(story.run_id, lambda attempt: self._begin_or_go_on(story, attempt))
            if outcome not in AGAIN or time.monotonic() > deadline:
                return outcome

    def _recover(self) -> None:
        """Recover whatever has crashed by now, after waiting for those named to be free."""
        for story in self._order.stories:
            self._wait_until_free(story, time.monotonic() + self._order.patience)
        attempt = self._next_attempt()
        self._runner.register(*(workflow_of(story, self._order, attempt) for story in self._order.stories))
        diary.note(self._order.journal, "begun")
        with doomed(self._order):
            recovered = self._runner.recover()
        for each in recovered:
            self._note(each.run_id, attempt, each.result if each.error is None else each.error, 0.0)

    def _begin(self, story: Story, attempt: str) -> WorkflowResult:
        return self._runner.execute(
            workflow_of(story, self._order, attempt), story.params, run_id=story.run_id, partition=story.partition
        )

    def _go_on(self, story: Story, attempt: str) -> WorkflowResult:
        self._runner.register(workflow_of(story, self._order, attempt))
        return self._runner.resume(story.run_id)

    def _begin_or_go_on(self, story: Story, attempt: str) -> WorkflowResult:
        try:
            return self._go_on(story, attempt)
        except RunNotFound:
            return self._begin(story, attempt)

    def _wait_until_free(self, story: Story, deadline: float) -> None:
        while time.monotonic() < deadline:
            with suppress(StoreError):
                try:
                    if self._runner.get_run(story.run_id).lease is None:
                        return
                except RunNotFound:
                    return
            time.sleep(POLL_SECONDS)

    def _try(self, run_id: str, act: Callable[[str], Any]) -> str:
        """Attempt something and note how it ended; a signal goes on its way."""
        attempt, start = self._next_attempt(), time.monotonic()
        diary.note(self._order.journal, "begun")
        try:
            with doomed(self._order):
                ended = act(attempt)
        except Exception as error:
            ended = error
        return self._note(run_id, attempt, ended, time.monotonic() - start)

    def _note(self, run_id: str, attempt: str, ended: Any, seconds: float) -> str:
        said = {
            "outcome": _name_of(ended),
            "text": _text_of(ended),
            "error_type": getattr(ended, "error_type", None) or "",
        }
        diary.note(self._order.journal, "ended", run_id=run_id, attempt=attempt, seconds=seconds, **said)
        return said["outcome"]

    def _next_attempt(self) -> str:
        return f"{self._order.worker}.{next(self._attempts)}"


def _name_of(ended: Any) -> str:
    if isinstance(ended, WorkflowResult):
        return ended.status.value
    if isinstance(ended, Exception) and not isinstance(ended, SpineError):
        return f"a bare {type(ended).__name__}"
    return type(ended).__name__


def _text_of(ended: Any) -> str:
    if isinstance(ended, WorkflowResult):
        return ended.error or ""
    return str(ended)[:600]


def _end_with_parent() -> None:
    """No worker outlives a storm that was killed, not even a stopped one; elsewhere than on Linux the limit does."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _silence_logs() -> None:
    log = logging.getLogger("spine")
    log.addHandler(logging.NullHandler())
    log.propagate = False
