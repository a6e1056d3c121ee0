"""The documentation: what it shows works, what it names exists, and nothing public is left out."""

import ast
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.pages import ROOT, Block, blocks_of, programs_of, run

WRITTEN_ELSEWHERE = {"docs/command-line.md"}
PAGES = [
    path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if path.relative_to(ROOT).as_posix() not in WRITTEN_ELSEWHERE
]
BLOCKS = [block for path in PAGES for block in blocks_of(path)]
LANGUAGES = {"python", "sh", "sql", "text", "json", "toml", "crontab", "mermaid", "yaml"}


def name_of(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", [path for path in PAGES if [*programs_of(blocks_of(path))]], ids=name_of)
def test_what_a_page_shows_works_in_the_order_it_is_shown(path, tmp_path):
    for program in programs_of(blocks_of(path)):
        run(program, tmp_path)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_every_block_says_its_language_and_a_fragment_is_well_formed(block: Block):
    assert block.language in LANGUAGES
    if block.language == "python":
        ast.parse(block.text)
    if block.language == "sh":
        subprocess.run(["bash", "-n"], input=block.text, encoding="utf-8", check=True)
