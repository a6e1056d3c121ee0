"""The files of this repository, and what is written in them."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("spine", "migrations", "tests", "examples", "benchmarks")


@cache
def modules(*parts: str) -> tuple[Path, ...]:
    """All Python files below these folders, relative to the top."""
    found = [path for part in parts or PARTS for path in (ROOT / part).rglob("*.py")]
    return tuple(sorted(path.relative_to(ROOT) for path in found))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All functions of a file, inner ones too."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imported(node: ast.AST) -> list[str]:
    """The modules that this statement imports, with the names it takes from them."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def names(path: Path) -> Iterator[str]:
    """All names that a file makes or uses."""
    for node in ast.walk(parsed(path)):
        for field in ("name", "id", "arg", "attr", "asname"):
            name = getattr(node, field, None)
            if isinstance(name, str):
                yield name


def words(name: str) -> set[str]:
    """The words that a name is made of: `StepResult` and `step_result` are of the same two."""
    return {word for word in re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower().split("_") if word}


def tracked() -> list[Path]:
    """All files that are kept in the repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]
