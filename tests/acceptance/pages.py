"""`Page`: a page of the documentation, its fenced blocks, and the programs a reader would run in order.

A block says in its info string what it is. `python` and `sh` are run, one after the other, in one folder a page:

- `fragment`: not run, for it is not whole; Python must parse, a shell must accept it
- `continued`: Python that goes on from the program before it
- `file=NAME`: written to a file and not run
- `exit=N`: ends with this exit code
- `output` (with `text`): lines that the program before it says, in this order, but for times and durations
- `sql`: run on SQLite and PostgreSQL, or on the one that is named; `here`: also on the `spine.db` of the folder
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(?P<info>[^`\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
CHANGING = re.compile(
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|\+00:00| UTC)?|\b\d+(\.\d+)? ?(ms|s)\b|[\w.-]+@[\w.-]+/\d+"
    r'|(?<=": )\d+(\.\d+(e-\d+)?|e-\d+)'
)

SHELL_OF_SQLITE = """
import sqlite3, sys
for row in sqlite3.connect("spine.db").execute(sys.stdin.read()):
    print(*row, sep="|")
"""
READERS = {
    "python": [sys.executable, "-"],
    "sh": ["bash", "-eu", "-s"],
    "sql": [sys.executable, "-c", SHELL_OF_SQLITE],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    marks: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    def value(self, name: str) -> str | None:
        """What follows `name=` in the info string."""
        return next((mark.partition("=")[2] for mark in self.marks if mark.startswith(f"{name}=")), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a reader types, what it must end with, and what it must say."""

    block: Block
    code: int = 0
    says: str | None = None


def blocks_of(path: Path) -> list[Block]:
    """Take a page apart."""
    source = path.read_text(encoding="utf-8")
    return [
        Block(
            page=path.relative_to(ROOT).as_posix(),
            line=source[: found.start()].count("\n") + 1,
            language=(found["info"].split() or [""])[0],
            marks=tuple(found["info"].split()[1:]),
            text=found["text"],
        )
        for found in FENCE.finditer(source)
    ]


def programs_of(blocks: list[Block]) -> Iterator[Program]:
    """Give what is to be run, in order, with what it says."""
    found: list[Program] = []
    for block in blocks:
        if block.language == "python" and "continued" in block.marks:
            whole = replace(found[-1].block, text=f"{found[-1].block.text}\n{block.text}")
            found[-1] = replace(found[-1], block=whole)
        elif "fragment" not in block.marks and (block.language in ("python", "sh") or "here" in block.marks):
            found.append(Program(block=block, code=int(block.value("exit") or 0)))
        elif block.language == "text" and "output" in block.marks:
            found[-1] = replace(found[-1], says=block.text)
    yield from found


def run(program: Program, folder: Path, commands: Path, inherited: int) -> None:
    """Type it, as a reader would, in this folder, with these commands and the descriptor that they need."""
    block = program.block
    name = block.value("file")
    if name is not None:
        (folder / name).write_text(block.text, encoding="utf-8")
        return
    done = subprocess.run(
        READERS[block.language],
        input=block.text,
        cwd=folder,
        env=environment(commands),
        pass_fds=[inherited],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == program.code, f"{block}\n{done.stdout}"
    if program.says is not None:
        said = iter(steady(done.stdout))
        assert all(line in said for line in steady(program.says)), f"{block}\n{done.stdout}"


def environment(commands: Path) -> dict[str, str]:
    """A reader's environment: these commands and the installed ones in the path, and no setting."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SPINE_")}
    path = os.pathsep.join([str(commands), str(Path(sys.executable).parent), kept.get("PATH", "")])
    return kept | {"PATH": path, "PYTHONUTF8": "1", "NO_COLOR": "1", "COLUMNS": "120"}


def steady(text: str) -> list[str]:
    """Text without what differs from one run to the next: moments, durations, who ran it."""
    return [" ".join(CHANGING.sub("~", line).split()) for line in text.strip().splitlines()]


def statements_of(block: Block) -> list[str]:
    """Split SQL at the semicolons that end a line."""
    return [statement.strip() for statement in block.text.split(";\n") if statement.strip()]


def speaks(block: Block, dialect: str) -> bool:
    """Tell whether SQL is meant for this database."""
    named = {"sqlite", "postgresql"} & set(block.marks)
    return block.language == "sql" and (not named or dialect in named)
