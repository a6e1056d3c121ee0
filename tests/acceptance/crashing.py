"""Processes that drive a run and are killed, stopped or told to end; and the log that tells what they did."""

import json
import select
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from spine.orchestration import Registry, RunStatus, Workflow, WorkflowContext, WorkflowRunner
from tests.acceptance import crash_driver
from tests.acceptance.recorded import wait_for
from tests.programs.forked import Spoken

LIMIT = 60  # seconds


class Process:
    """One process of `crash_driver`."""

    def __init__(self, **told: Any) -> None:
        self._process = Spoken("tests.acceptance.crash_driver", json.dumps(told))

    def __enter__(self) -> Self:
        self._process.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._process.__exit__(*error)

    def says(self) -> str:
        """Give the next line it writes: the place where it waits, or its result."""
        assert select.select([self._process.stdout], [], [], LIMIT)[0], "it says nothing"
        return self._process.stdout.readline().rstrip("\n")

    def result(self) -> dict[str, Any]:
        """Give the next line it writes, which is its result."""
        return json.loads(self.says())

    def send(self, signum: int) -> None:
        self._process.send_signal(signum)

    def send_until_it_ends(self, signum: int) -> int:
        """Send a signal again and again: two that come at once count as one."""

        def has_ended() -> bool:
            self._process.send_signal(signum)
            return self._process.poll() is not None

        wait_for(has_ended)
        return self._process.returncode

    def go_on(self) -> None:
        """Let it leave the place where it waits."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def thaw(self) -> None:
        """Let one that was frozen leave the place where it waits."""
        self.send(signal.SIGCONT)
        self.go_on()

    def ends(self) -> int:
        return self._process.wait(LIMIT)

    def kill(self) -> None:
        """Kill it as the power does: no handler, no finally."""
        self._process.send_signal(signal.SIGKILL)
        assert self.ends() == -signal.SIGKILL


class Scene:
    """A database, a log, and what is to be said of them."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.log = folder / "log"
        self.run_id = "crashing-1"

    def process(self, do: str, *pause: str, **told: Any) -> Process:
        return Process(url=self.url, log=str(self.log), run_id=self.run_id, do=do, pause=pause, **told)

    @contextmanager
    def paused(self, do: str, place: str, **told: Any) -> Iterator[Process]:
        """A process that drives until a place, and waits there."""
        with self.process(do, place, **told) as process:
            assert process.says() == place
            yield process

    @contextmanager
    def frozen(self, place: str, **told: Any) -> Iterator[Process]:
        """One that is stopped there, with all its threads."""
        with self.paused("execute", place, **told) as process:
            process.send(signal.SIGSTOP)
            yield process

    def killed(self, do: str, place: str, **told: Any) -> None:
        """Drive until a place, and be killed there."""
        with self.paused(do, place, **told) as process:
            process.kill()

    def resumed(self) -> dict[str, Any]:
        """Resume in a new process, to the end."""
        with self.process("resume") as process:
            return process.result()

    def runner(self) -> WorkflowRunner:
        """A runner in this process that can resume too."""
        runner = WorkflowRunner(self.url, registry=Registry(), lease_seconds=0.5)
        runner.register(self.workflow())
        return runner

    def workflow(self, breaks: str = "") -> Workflow:
        """The same workflow for this process."""
        return crash_driver.workflow(crash_driver.Log(str(self.log)), breaks=breaks)

    def crashed(self, runner: WorkflowRunner) -> None:
        """Wait until the lease of the one that was killed has expired."""
        wait_for(lambda: runner.get_run(self.run_id).is_crashed)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def ran(self) -> str:
        """Give the steps that started, in order, one letter each."""
        return "".join(line["step"] for line in self.lines())

    def twice(self) -> str:
        """Give the steps that started more than once."""
        return "".join(step for step, times in Counter(self.ran()).items() if times > 1)

    def check(self, runner: WorkflowRunner) -> None:
        """The run ended like an undisturbed one, and every step saw what an undisturbed one sees."""
        run = runner.get_run(self.run_id)
        whole = undisturbed()
        assert run.status is RunStatus.COMPLETED
        assert (run.context.outputs, run.context.params) == (whole.outputs, whole.params)
        assert list(run.context.outputs) == list(whole.outputs)
        checkpoints = runner.list_checkpoints(self.run_id)
        assert [checkpoint.step_name for checkpoint in checkpoints] == [*crash_driver.STEPS]
        assert [checkpoint.sequence for checkpoint in checkpoints] == [1, 2, 3, 4]
        for line in self.lines():
            before = crash_driver.STEPS[: crash_driver.STEPS.index(line["step"])]
            assert line["saw"] == {name: whole.outputs[name] for name in before}


def undisturbed() -> WorkflowContext:
    with WorkflowRunner("memory://", registry=Registry()) as runner:
        return runner.execute(crash_driver.workflow(), {"n": 1}).context
