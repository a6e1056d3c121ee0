"""What is told when stdout takes nothing, as on a full disk."""

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.command import ORDERS, Said, command_line, environment

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")

FAILED = "orders failed at load: ConnectionError: the target is out of reach"
FULL = "spine: the answer could not be written to stdout: No space left on device"


def typed_with_full_stdout(*arguments: str, place: Path, **more: str) -> Said:
    """Type the command with its stdout on a device that is always full."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command_line(*arguments),
            cwd=place,
            env=environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
    return Said(code=done.returncode, out="", err=done.stderr)


@pytest.mark.parametrize(
    ("words", "state", "gist", "buffering"),
    [
        (["--param", "target=x"], "completed", "run monday of orders completed: 3 steps done, 1 skipped, in ", ""),
        (["-q"], "failed", "run monday of orders failed at load: ConnectionError: the target is out of reach", ""),
        (["--json", "-q", "--param", "target=x"], "completed", "run monday has completed", ""),
        (["--json", "-q", "--param", "target=x"], "completed", "run monday has completed", "1"),
    ],
    ids=["completed", "failed", "json", "json, unbuffered"],
)
def test_a_run_whose_answer_cannot_be_written_says_how_it_ended_all_the_same(
    spine, place, words, state, gist, buffering
):
    (place / "orders.py").write_text(ORDERS)

    said = typed_with_full_stdout(
        "run", "orders.py", "--run-id", "monday", *words, place=place, PYTHONUNBUFFERED=buffering
    )

    assert spine("runs", "show", "monday", "--json").json["status"] == state
    assert said.code == 1
    assert said.err.splitlines()[-1].startswith(f"{FULL}; it was: {gist}"), said.err
    assert "--debug" not in said.err


@pytest.mark.parametrize(
    ("words", "buffering"), [(["--help"], ""), (["--version"], "1"), (["runs", "list"], "")], ids=str
)
def test_what_cannot_be_written_to_stdout_is_told_in_one_line(spine, place, words, buffering):
    (place / "orders.py").write_text(ORDERS)
    spine("run", "orders.py")

    said = typed_with_full_stdout(*words, place=place, PYTHONUNBUFFERED=buffering)

    assert (said.code, said.err) == (1, f"{FULL}\n")


def test_a_recovery_whose_answer_cannot_be_written_says_of_every_run_how_to_go_on(spine, place):
    (place / "orders.py").write_text(ORDERS)
    for run_id in ("r1", "r2"):
        spine("run", "orders.py", "--run-id", run_id)
    with closing(sqlite3.connect(place / "spine.db")) as database, database:
        database.execute("UPDATE core_workflow_runs SET status = 'running'")

    said = typed_with_full_stdout("recover", "-q", "--app", "orders.py", place=place)

    assert said.code == 1
    assert [f"spine: resume it with: spine resume {run} --app orders.py" for run in ("r1", "r2")] == [
        line for line in said.err.splitlines() if "resume it with" in line
    ]
    assert said.err.splitlines()[-1] == f"{FULL}; it was: {'; '.join(f'run {run} of {FAILED}' for run in ('r1', 'r2'))}"
