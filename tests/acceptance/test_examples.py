"""The small examples: each is run as a reader runs it, and says what it promises."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs.forked import run_forked

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

SAID = {
    "first_resume": [
        "failed at load (FileNotFoundError); done: extract, transform",
        "completed; this time it ran: load",
        "the total is 400",
    ],
    "override": [
        "failed at parse: 'utf-8' codec can't decode byte 0xe9 in position 3: invalid continuation byte",
        "completed; parsed {'Café au lait': '3.20', 'Crème brûlée': '5.90'}",
        "the run now says encoding=latin-1; its folder was kept",
    ],
    "key_steps": [
        "failed at load; checkpoints: fetch",
        "completed; this time it ran: convert, load",
        "performed in all: fetch 1, convert 2, load 2",
    ],
    "idempotent_load": [
        "without a key the customer was charged [50, 50]",
        "with a key the customer was charged [50]",
    ],
    "notify_resumed": [
        "  message: site for 2026-01-10: completed",
        "  failed at publish; no message",
        "  message: site for 2026-01-11: RESUMED and completed",
    ],
    "retention_from_cron": [
        "would go: the completed run's checkpoints only: True",
        "went: the completed run's checkpoints only: True",
        "its row stays: completed, checkpoints expired",
        "the failed run can still be resumed: completed",
    ],
}


def run(name: str) -> list[str]:
    """Type its one command, without any setting."""
    command = [sys.executable, f"examples/{name}.py"]
    settings = {"PYTHONUTF8": "1"}
    return said_by(
        subprocess.run(
            command, cwd=ROOT, env=environment(settings), capture_output=True, encoding="utf-8", timeout=60, check=False
        )
    )


def run_forked_with(settings: dict[str, str], name: str) -> list[str]:
    """Have it run by an interpreter that has started already, which is quicker."""
    return said_by(run_forked(f"examples/{name}.py", folder=ROOT, environment=environment(settings)))


def environment(settings: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if not key.startswith("SPINE_")} | settings


def said_by(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout.splitlines()


def lines_in_order(said: list[str], expected: list[str]) -> list[str]:
    return [line for line in said if line in expected]


@pytest.mark.parametrize("name", SAID)
def test_an_example_runs_without_any_setting(name):
    said = run_forked_with({}, name)

    assert lines_in_order(said, SAID[name]) == SAID[name]


@pytest.mark.parametrize("name", SAID)
def test_an_example_says_the_same_the_second_time_on_the_same_database(name, database_url):
    first, second = (run_forked_with({"SPINE_DATABASE_URL": database_url}, name) for _ in range(2))

    assert lines_in_order(first, SAID[name]) == SAID[name]
    assert second == first


def test_an_example_runs_by_its_one_command_and_a_resume_performs_only_what_was_not_done():
    said = run("first_resume")

    assert lines_in_order(said, SAID["first_resume"]) == SAID["first_resume"]
    performed = [line.split(":")[0].strip() for line in said if line.startswith("  ")]

    assert performed == ["extract", "transform", "load", "load"]


def test_every_example_is_listed_and_tested():
    table = (ROOT / "examples" / "README.md").read_text()

    assert {path.stem for path in EXAMPLES} == set(SAID)
    assert all(f"python examples/{path.name}" in table for path in EXAMPLES)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_says_when_to_use_it_and_imports_only_the_public_face(path):
    source = path.read_text()
    tree = ast.parse(source)

    docstring = ast.get_docstring(tree)
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert len(source.splitlines()) < 60
    assert "When to use: " in docstring
    assert f"Run it: python examples/{path.name}" in docstring
    assert {name for name in imported if name.partition(".")[0] not in sys.stdlib_module_names} == {
        "spine.orchestration"
    }
