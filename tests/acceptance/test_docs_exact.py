"""The documentation against the code: every name, signature, column, setting, limit and exit code it states."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from spine import __version__, orchestration
from spine.cli.failures import code_of
from spine.cli.main import root_command
from spine.codec.json import ORDER
from spine.codec.tags import UNTAGGERS
from spine.config.sources import Sources
from spine.errors import SpineError
from spine.orchestration import EventKind, RunStatus
from spine.records.checkpoint import CheckpointSummary
from spine.records.run import RunSummary
from spine.stores.sql import timeouts
from spine.stores.sql.tables import SCHEMA_TABLE, metadata
from tests.acceptance.pages import ROOT, blocks_of

DOCS = ROOT / "docs"
PAGES = [path for path in (*ROOT.glob("*.md"), *DOCS.glob("*.md"), ROOT / "examples" / "README.md") if path.exists()]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)
ERRORS = [
    thing
    for name in orchestration.__all__
    if inspect.isclass(thing := getattr(orchestration, name)) and issubclass(thing, SpineError)
]


def text_of(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def rows_of(page: str, first_cell: str) -> dict[str, list[str]]:
    """The rows of the tables whose first heading this is, by their first cell without backticks."""
    found: dict[str, list[str]] = {}
    inside = False
    for line in text_of(page).splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif cells[0] == first_cell:
            inside = True
        elif inside and not set(cells[0]) <= {"-"}:
            for name in re.findall(r"`([^`]+)`", cells[0]) or [cells[0]]:
                found[name] = cells[1:]
    return found


def anchors_of(path: Path) -> set[str]:
    source = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {re.sub(r"[^\w\- ]", "", heading["text"].lower()).replace(" ", "-") for heading in HEADING.finditer(source)}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_between_the_pages_leads_somewhere(path):
    for link in LINK.finditer(path.read_text(encoding="utf-8")):
        target, _, anchor = link["target"].partition("#")
        if target.startswith("http"):
            continue
        place = (path.parent / target).resolve() if target else path

        assert place.exists(), link["target"]
        assert not anchor or anchor in anchors_of(place), link["target"]


def test_every_page_can_be_reached_from_the_readme():
    linked = {link["target"].partition("#")[0] for link in LINK.finditer((ROOT / "README.md").read_text())}

    assert {f"docs/{path.name}" for path in DOCS.glob("*.md")} <= linked


def test_every_public_name_is_in_the_page_on_the_api():
    named = set(re.findall(r"\w+", text_of("api.md")))

    assert set(orchestration.__all__) <= named


def test_the_fields_of_records_and_the_kinds_of_events_are_in_the_page_on_the_api():
    listed = rows_of("api.md", "name")

    for record in (RunSummary, CheckpointSummary):
        assert set(record.__dataclass_fields__) <= set(re.findall(r"\w+", listed[record.__name__][0]))
    for kind in (EventKind, RunStatus):
        assert all(f"`{value}`" in listed[kind.__name__][0] for value in kind)


def signatures():
    for block in blocks_of(DOCS / "api.md"):
        if "signatures" in block.marks:
            yield from (node for node in ast.parse(block.text).body if isinstance(node, ast.ClassDef))


@pytest.mark.parametrize("shown", [*signatures()], ids=lambda node: node.name)
def test_a_documented_signature_is_the_real_one(shown):
    real = getattr(orchestration, shown.name)

    for node in shown.body:
        if isinstance(node, ast.FunctionDef):
            parameters = inspect.signature(inspect.unwrap(getattr(real, node.name))).parameters.values()
            wanted = [parameter for parameter in parameters if parameter.name not in ("self", "limits")]
            assert shape(node.args) == [(each.name, each.kind.name) for each in wanted], node.name
            assert plain_defaults(node.args).items() <= {each.name: each.default for each in wanted}.items()
        elif isinstance(node, ast.AnnAssign):
            assert node.target.id in dir(real) or node.target.id in real.__dataclass_fields__


def shape(arguments):
    """Names and kinds, as `inspect` calls them."""
    positional = [(each.arg, "POSITIONAL_OR_KEYWORD") for each in arguments.args if each.arg not in ("self", "cls")]
    many = [(arguments.vararg.arg, "VAR_POSITIONAL")] if arguments.vararg else []
    keywords = [(each.arg, "KEYWORD_ONLY") for each in arguments.kwonlyargs]
    named = [(arguments.kwarg.arg, "VAR_KEYWORD")] if arguments.kwarg else []
    return positional + many + keywords + named


def plain_defaults(arguments):
    """The defaults that are plain values: None, numbers, text, an empty tuple."""
    given = [
        *zip(reversed(arguments.args), reversed(arguments.defaults), strict=False),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    plain = (ast.Constant, ast.Tuple)
    return {each.arg: ast.literal_eval(default) for each, default in given if isinstance(default, plain)}


def test_no_public_verb_of_the_runner_is_left_out():
    listed = {node.name for shown in signatures() for node in shown.body if isinstance(node, ast.FunctionDef)}
    runner = {
        name for name, _ in inspect.getmembers(orchestration.WorkflowRunner, inspect.isfunction) if name[0] != "_"
    }

    assert "execute" in runner
    assert runner <= listed


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_troubleshooting_says_of_every_error_its_exit_code_and_what_to_do(error):
    listed = rows_of("troubleshooting.md", "error")

    code, when, *_ = listed[error.__name__]

    assert int(code) == code_of(error.__new__(error))
    assert when


def test_every_setting_is_documented_with_its_variable_and_default():
    listed = rows_of("configuration.md", "option")

    for name, field in Sources.model_fields.items():
        variable, default, _ = listed[name]
        assert variable == f"`SPINE_{name.upper()}`"
        assert default.startswith("none" if field.default is None else f"`{field.default}`")
    assert set(listed) == set(Sources.model_fields)


def test_the_documented_timeouts_are_the_real_ones():
    rows = [line for line in text_of("configuration.md").splitlines() if " s" in line]
    told = {line.split("|")[2].strip().split(",")[0].split(":")[0]: line for line in rows if line.startswith("| ")}

    assert f"{timeouts.CONNECT_SECONDS} s" in told["connecting"]
    assert f"{timeouts.TCP_USER_SECONDS} s" in told["an answer to what was sent"]
    assert f"{timeouts.ANSWER_SECONDS:g} s" in told["any answer"]
    assert timeouts.STATEMENT_SECONDS < timeouts.ANSWER_SECONDS
    assert f"{timeouts.LOCK_SECONDS} s" in told["waiting for a lock"]
    assert f"{timeouts.STATEMENT_SECONDS} s" in told["a statement"]
    assert f"{timeouts.BUSY_SECONDS:g} s" in told["waiting for another process that writes"]


def test_every_table_and_column_is_described():
    described = text_of("database.md")
    columns = rows_of("database.md", "column")

    for table in metadata.tables.values():
        assert f"## {table.name}\n" in described
        assert {column.name for column in table.columns} <= set(columns)
    assert f"## {SCHEMA_TABLE}\n" in described
    assert set(columns) <= {column.name for table in metadata.tables.values() for column in table.columns}


def test_every_tag_of_the_snapshot_format_is_described():
    assert set(rows_of("database.md", "tag")) == set(UNTAGGERS)
    assert f"`{ORDER}`" in text_of("database.md")


def test_the_table_of_statuses_says_what_may_follow_what():
    listed = rows_of("concepts.md", "status")

    for status in RunStatus:
        followers = set(re.findall(r"`(\w+)`", listed[status][1]))
        assert followers == {str(other) for other in RunStatus if status.may_become(other)}


def test_the_changelog_keeps_the_form_and_ends_with_this_version():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    headings = re.findall(r"^## \[(.+?)\]", changelog, flags=re.MULTILINE)
    kinds = set(re.findall(r"^### (\w+)$", changelog, flags=re.MULTILINE))

    assert headings[:2] == ["Unreleased", __version__]
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_documented_make_targets_are_those_there_are():
    listed = {name.removeprefix("make ") for name in rows_of("development.md", "target")}
    targets = set(re.findall(r"^([a-z-]+):(?!=)", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))

    assert listed == targets


def test_the_tests_that_the_page_on_development_runs_are_there():
    blocks = "\n".join(block.text for block in blocks_of(DOCS / "development.md") if block.language == "sh")
    shown = re.findall(r"pytest .*?(tests/\S+)", blocks)

    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *shown]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    assert any("::" in name for name in shown)
    assert done.returncode == 0, done.stdout


def test_the_floors_of_the_architecture_page_are_those_that_are_checked():
    import tomllib

    layers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    [drawn, *_] = [block.text for block in blocks_of(DOCS / "architecture.md") if "spine.errors" in block.text]

    shown = [set(re.findall(r"spine\.(\w+)(?=\s)", line)) for line in drawn.splitlines()]

    assert shown == [set(layer.split(" | ")) for layer in layers if layer != "__main__"]


def commands_shown():
    """Every `spine ...` that a page shows, in shell blocks, in crontabs and between backticks."""
    for path in PAGES:
        text = re.sub(r"\\\n", " ", path.read_text(encoding="utf-8"))
        blocks = "\n".join(block.text for block in blocks_of(path) if block.language in ("sh", "crontab"))
        inline = "\n".join(re.findall(r"(?<!`)`(spine [^`\n]+)`(?!`)", text))
        for shown in re.findall(r"(?:^|\s)spine ([a-z-][^\n#|>;&]*)", f"{blocks}\n{inline}", flags=re.MULTILINE):
            yield pytest.param(shown.split(), id=f"{path.stem}: spine {shown.strip()}")


@pytest.mark.parametrize("words", [*commands_shown()])
def test_a_command_that_a_page_shows_is_one_there_is(words):
    command = root_command()

    while words and hasattr(command, "commands"):
        if words[0].startswith("-"):
            break
        assert words[0] in command.commands, f"no command {words[0]!r}"
        command, words = command.commands[words[0]], words[1:]
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}

    given = [word for word in words if word.startswith(("-", "[-")) and word != "-"]  # which is stdin
    assert {word.partition("=")[0].strip("[]") for word in given} <= options
