"""The command `spine`, typed by a test: in this process where that is enough, else in one of its own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.programs.forked import run_forked

BIN = Path(sys.executable).parent
ORDERS = """
from spine.orchestration import Step, StepResult, Workflow

def extract(ctx, config):
    return StepResult.ok({"orders": [120, 80]}, quality=None)

def load(ctx, config):
    if not ctx.params.get("target"):
        raise ConnectionError("the target is out of reach")
    return {"sum": sum(ctx.outputs["extract"]["orders"]), "target": ctx.params["target"]}

orders = Workflow(
    "orders",
    [
        Step.lambda_("extract", extract),
        Step.lambda_("check", lambda ctx, config: StepResult.skip("nothing to check")),
        Step.lambda_("load", load),
        Step.lambda_("report", lambda ctx, config: {"resumed": ctx.params.get("__resumed__", False)}),
    ],
)
"""
WAITING = """
import sys
from spine.orchestration import Step, Workflow

def wait(ctx, config):
    if not ctx.params.get("go"):
        print("waiting", flush=True)
        sys.stdin.readline()
    return {}

waiting = Workflow(
    "waiting",
    [Step.lambda_("first", lambda ctx, config: {"n": 1}), Step.lambda_("wait", wait), Step.lambda_("last", wait)],
)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def all(self) -> str:
        return self.out + self.err

    @property
    def resume_command(self) -> str:
        """The command at the end of what a failed run says."""
        _, found, command = self.err.rstrip("\n").rpartition("resume it with: ")
        assert found, self.err
        return command


def environment(**more: str) -> dict[str, str]:
    """What a shell would give to the command, without anything that speaks of Spine."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SPINE_", "PG")) and name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")
    }
    return {**kept, "PATH": f"{BIN}{os.pathsep}{kept['PATH']}", "PYTHONUTF8": "1", **more}


def command_line(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "spine", *arguments]


def typed(*arguments: str, place: Path, **more: str) -> Said:
    """Run the command in a process of its own, in a folder, with nothing to read."""
    done = run_forked("spine", *arguments, folder=place, environment=environment(**more))
    return Said(code=done.returncode, out=done.stdout, err=done.stderr)


def typed_anew(*arguments: str, place: Path, stdin: str | None = None, **more: str) -> Said:
    """Do the same in one that Python starts: for what it opens and finds when it starts, and for what it reads."""
    done = subprocess.run(
        command_line(*arguments),
        cwd=place,
        env=environment(**more),
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return Said(code=done.returncode, out=done.stdout, err=done.stderr)


def in_shell(line: str, *, place: Path, **more: str) -> Said:
    """Let a shell run a line as it was printed."""
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=place,
        env=environment(**more),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return Said(code=done.returncode, out=done.stdout, err=done.stderr)


def started(*arguments: str, place: Path, **more: str) -> "subprocess.Popen[str]":
    """Start the command and leave it running, with pipes to all three streams."""
    return subprocess.Popen(
        command_line(*arguments),
        cwd=place,
        env=environment(**more),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def until_waiting(process: "subprocess.Popen[str]") -> None:
    """Wait until a step of the workflow `waiting` says that it waits."""
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n", process.communicate()
