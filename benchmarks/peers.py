"""Where the peers are installed, and which of them know a kind of database."""

import ast
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from benchmarks import contender
from benchmarks.lane import TOP

PYTHON = TOP / ".venv-peers" / "bin" / "python"
NOT_PEERS = ("limit", "spine", "statement", "least")


def installed(kind: str) -> Mapping[str, Path]:
    """Name the contenders that can be measured on a kind of database, and the interpreter that finds each."""
    found = {name: _interpreter(_told(name, "needs")) for name in contender.names() if name not in NOT_PEERS}
    return {name: python for name, python in found.items() if python and kind in kinds(name)}


def kinds(name: str) -> set[str]:
    """Give the kinds of database that a contender knows."""
    return {getattr(contender, each.strip()) for each in _told(name, "kinds").strip("(),").split(",")}


@cache
def durability(name: str) -> str:
    """Give what a contender says of its durability."""
    return _told(name, "durability")


def title(name: str) -> str:
    """Give what a contender is called in tables."""
    return _told(name, "name")


def version(name: str, python: Path) -> str:
    """Name what is installed of a peer, with versions, as the interpreter that finds it knows them."""
    program = """if True:
        import sys
        from importlib.metadata import packages_distributions, version
        found = sorted(set(packages_distributions().get(sys.argv[1], ())))
        print(", ".join(f"{each} {version(each)}" for each in found))"""
    command = [str(python), "-c", program, _told(name, "needs")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _interpreter(module: str) -> Path | None:
    for python in (Path(sys.executable), PYTHON):
        if python.exists() and _finds(python, module):
            return python
    return None


@cache
def _finds(python: Path, module: str) -> bool:
    program = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    return subprocess.run([python, "-c", program], check=False).returncode == 0


def _told(name: str, attribute: str) -> str:
    """Read a class attribute of a contender without importing it: what it needs may not be installed here."""
    tree = ast.parse((contender.FOLDER / f"{name}.py").read_text())
    [value] = [
        node.value
        for kind in tree.body
        if isinstance(kind, ast.ClassDef)
        for node in kind.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == attribute
    ]
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ast.unparse(value)
