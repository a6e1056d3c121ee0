"""A program that drives one run, tells where it is, and waits there to be killed.

It is told everything as one JSON argument. Where it pauses it writes a line to stdout and waits for a line on stdin.
Its steps append what they do to a log, fsync'ed, which tells the truth whatever becomes of the process.
"""

import json
import os
import signal
import sys
import time
from typing import Any

from spine.orchestration import Event, LeaseLost, Registry, RunIsHeld, Step, StepContext, Workflow, WorkflowRunner
from spine.stores.open import open_store

STEPS = ("a", "b", "c", "d")


class Log:
    """Lines of what happened, durable one by one."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(self, **line: Any) -> None:
        os.write(self._file, (json.dumps(line) + "\n").encode())
        os.fsync(self._file)


class Pauses:
    """The places to wait at, such as `inside c` or `before saving c`."""

    def __init__(self, places: list[str], *, stubborn: bool = False) -> None:
        self._places = places
        self._stubborn = stubborn

    def at(self, place: str) -> None:
        if place not in self._places:
            return
        try:
            self._wait(place)
        except BaseException as error:
            if not self._stubborn:
                raise
            self._wait(type(error).__name__)

    def _wait(self, place: str) -> None:
        os.write(1, f"{place}\n".encode())
        os.read(0, 1)

    def on_event(self, event: Event) -> None:
        self.at(f"{event.kind} {event.step}" if event.step else event.kind.value)


class PausingStore:
    """A store that pauses before a run is made, and before and after each checkpoint is written."""

    def __init__(self, store: Any, pauses: Pauses) -> None:
        self._store = store
        self._pauses = pauses

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def create_run(self, new: Any) -> Any:
        self._pauses.at("before creating")
        return self._store.create_run(new)

    def writer(self, *args: Any, **kwargs: Any) -> Any:
        return PausingWriter(self._store.writer(*args, **kwargs), self._pauses)


class PausingWriter:
    """The pen of that store."""

    def __init__(self, writer: Any, pauses: Pauses) -> None:
        self._writer = writer
        self._pauses = pauses

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)

    def save_checkpoint(self, new: Any, ending: Any = None) -> int:
        self._pauses.at(f"before saving {new.step_name}")
        size: int = self._writer.save_checkpoint(new, ending)
        self._pauses.at(f"after saving {new.step_name}")
        return size


def workflow(log: Log | None = None, pauses: Pauses | None = None, breaks: str = "") -> Workflow:
    """Make the workflow; without a log it is the undisturbed one."""

    def perform(ctx: StepContext, _config: dict[str, Any]) -> dict[str, Any]:
        name, saw = ctx.step_name, dict(ctx.outputs)
        if log:
            log.write(step=name, pid=os.getpid(), saw=saw)
        if pauses:
            pauses.at(f"inside {name}")
        if name == breaks:
            raise RuntimeError("told to break")
        return {"by": name, "saw": sorted(saw), "total": ctx.params["n"] + sum(out["total"] for out in saw.values())}

    return Workflow("crashing", [Step.lambda_(name, perform) for name in STEPS])


def main(told: dict[str, Any]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the parent made of it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    pauses = Pauses(told["pause"], stubborn=told.get("stubborn", False))
    made = workflow(Log(told["log"]), pauses, told.get("breaks", ""))
    store = PausingStore(open_store(told["url"]), pauses)
    lease = told.get("lease_seconds", 0.5)
    with WorkflowRunner(registry=Registry(), store=store, lease_seconds=lease, hooks=[pauses]) as runner:
        runner.register(made)
        try:
            result = drive(runner, made, told)
        except LeaseLost:
            say(error="LeaseLost")
            sys.exit(3)
    say(status=result.status, completed=result.completed_steps)


def say(**line: Any) -> None:
    os.write(1, (json.dumps(line) + "\n").encode())


def drive(runner: WorkflowRunner, made: Workflow, told: dict[str, Any]) -> Any:
    if told["do"] == "execute":
        return runner.execute(made, {"n": 1}, run_id=told["run_id"])
    if told["do"] == "continue":
        context = None
        if "context" in told:
            context = runner.get_run(told["run_id"]).context.with_params(told["context"])
        return runner.execute(
            made, told.get("params"), run_id=told["run_id"], start_from=told["start_from"], context=context
        )
    deadline = time.monotonic() + 30
    while True:
        try:
            return runner.resume(told["run_id"])
        except RunIsHeld:  # by the one that was killed, until its lease has expired
            assert time.monotonic() < deadline
            time.sleep(0.02)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
