"""The common options, and how the command line finds workflows and says what is wrong with a command line."""

import json
import subprocess
import sys

import pytest

from spine import __version__
from spine.cli.main import root_command
from tests.acceptance.command import ORDERS, environment, typed

NAMED = "Workflow({name!r}, [Step.lambda_('one', lambda ctx, config: {{'from': {said!r}}})])"
TOP = "from spine.orchestration import Step, Workflow\n"


def flow(attribute, name, said=1):
    return f"{attribute} = {NAMED.format(name=name, said=said)}\n"


@pytest.fixture
def orders(place):
    (place / "orders.py").write_text(ORDERS)
    return "orders.py"


def commands(command=None, words=()):
    """Every command and group there is, with how it is typed."""
    command = command or root_command()
    found = [(words, command)]
    for name, below in getattr(command, "commands", {}).items():
        found += commands(below, (*words, name))
    return found


@pytest.mark.parametrize(("words", "command"), [pytest.param(*one, id=" ".join(one[0])) for one in commands()])
def test_every_command_every_option_and_every_argument_explains_itself(spine, words, command):
    said = spine(*words, "--help")

    assert said.code == 0
    assert len(command.help.split()) > 2
    assert all(len(parameter.help.split()) > 2 for parameter in command.params)
    options = {name for parameter in command.params for name in parameter.opts}
    assert {"--app", "--database-url", "--json", "--verbose", "--debug", "--version"} <= options
    assert hasattr(command, "commands") or f" spine {' '.join(words)}" in command.help.partition("Example")[2]


@pytest.mark.parametrize(
    "words",
    [
        ("--json", "--database-url", "sqlite:///other.db", "runs", "list"),
        ("runs", "--json", "--database-url", "sqlite:///other.db", "list"),
        ("runs", "list", "--json", "--database-url", "sqlite:///other.db"),
        ("--json", "runs", "--database-url", "sqlite:///other.db", "list"),
        ("--database-url", "sqlite:///wrong.db", "runs", "list", "--database-url", "sqlite:///other.db", "--json"),
    ],
)
def test_common_options_may_stand_before_and_after_the_command(spine, orders, words):
    spine("run", orders, "--run-id", "r1", "--database-url", "sqlite:///other.db")

    assert [run["run_id"] for run in spine(*words).json] == ["r1"]


def test_settings_come_from_the_command_line_then_the_environment_then_pyproject(spine, orders, place, monkeypatch):
    (place / "pyproject.toml").write_text('[tool.spine]\ndatabase_url = "sqlite:///toml.db"\napp = "orders.py"\n')
    spine("run", orders, "--run-id", "from-toml")
    listed = spine("workflows", "list", "--json").json
    monkeypatch.setenv("SPINE_DATABASE_URL", "sqlite:///variable.db")
    spine("run", orders, "--run-id", "from-variable")
    spine("run", orders, "--run-id", "typed", "--database-url", "sqlite:///typed.db")

    assert [workflow["name"] for workflow in listed] == ["orders"]
    for name in ("toml", "variable", "typed"):
        runs = spine("runs", "list", "--json", "--database-url", f"sqlite:///{name}.db").json
        assert [run["run_id"].removeprefix("from-") for run in runs] == [name]


@pytest.mark.parametrize("words", [("--version",), ("runs", "--version"), ("runs", "list", "--version")])
def test_version_is_said_wherever_it_is_asked_for(spine, words):
    assert spine(*words).out == f"spine {__version__}\n"


@pytest.mark.parametrize(
    ("words", "slow"),
    [
        (["--help"], ["pydantic"]),
        (["--version"], ["pydantic"]),
        (["run", "--help"], []),
        (["runs", "list", "--help"], []),
    ],
    ids=" ".join,
)
def test_help_and_version_load_nothing_that_is_slow(words, slow):
    slow = ["sqlalchemy", "alembic", "psycopg", "pydantic_settings", "rich.console", *slow]
    code = f"""
import sys
from spine.cli.main import main
assert main({words!r}) == 0
print([name for name in {slow!r} if name in sys.modules], file=sys.stderr)
"""

    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, encoding="utf-8")

    assert done.stderr == "[]\n"


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("runs", "nonsense"),
        ("--nonsense",),
        ("runs", "list", "--nonsense"),
        ("runs", "show"),
        ("runs", "show", "a", "b"),
        ("runs", "list", "--limit", "0"),
        ("runs", "list", "--limit", "99999999999999999999"),
        ("runs", "list", "--limit", "many"),
        ("runs", "list", "--limit"),
        ("runs", "list", "--status", "sleeping"),
        ("runs", "list", "--status", "failed", "--status", "crashed"),
        ("runs", "list", "--since", "yesterday"),
        ("runs", "list", "--since", "999999999w"),
        ("runs", "list", "--since", "0001-01-01T00:00+23:59"),
        ("retention", "run"),
        ("retention", "run", "--days", "0"),
        ("retention", "run", "--days", "-1"),
        ("retention", "run", "--days", "nan"),
        ("retention", "run", "--days", "inf"),
        ("retention", "run", "--days", "a week"),
        ("workflows", "list"),
        ("db", "check", "--database-url", "memory://"),
        ("runs", "list", "--database-url", ""),
        ("runs", "list", "--database-url", "nonsense"),
        ("runs", "list", "--database-url", "mysql://h/d"),
        ("runs", "show", "x" * 100_000),
        ("run", "x" * 100_000),
        ("run", "\x1b[31m.py"),
        ("run", "a b"),
        ("run", ""),
        ("runs", "show", "\udcff"),
    ],
    ids=lambda words: " ".join(words)[:40].encode("unicode_escape").decode(),
)
def test_a_command_line_that_is_wrong_is_answered_on_one_line_with_exit_code_2(spine, words):
    said = spine(*words)

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("spine: ")
    assert said.err.count("\n") == 1
    assert said.err.strip().isprintable()
    assert len(said.err) < 7000


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("upgrade",), "Did you mean 'spine db upgrade'? (see: spine --help)"),
        (("runs", "resume", "r1"), "Did you mean 'spine resume'? (see: spine runs --help)"),
        (("show", "r1"), "Did you mean 'spine runs show' or 'spine checkpoints show' or 'spine retention show'? (see"),
        (("runs", "lst"), "Did you mean 'list'? (see: spine runs --help)"),
    ],
)
def test_a_command_of_another_group_is_told_where_it_is(spine, words, meant):
    said = spine(*words)

    assert (said.code, said.out) == (2, "")
    assert meant in said.err


def test_data_that_was_given_for_a_workflow_is_not_executed(spine, place):
    (place / "today.csv").write_text("open('owned', 'w')\n")

    said = spine("run", "today.csv")

    assert said.code == 2
    assert said.err.startswith("spine: today.csv is not a Python file: the name of one ends in .py")
    assert not (place / "owned").exists()


def test_no_command_at_all_shows_the_help_and_exits_with_2(spine):
    assert spine().code == 2
    assert "resume" in spine().err
    assert spine("runs").code == 2


def test_a_setting_that_is_wrong_is_named(spine, monkeypatch):
    monkeypatch.setenv("SPINE_LEASE_SECONDS", "soon")

    said = spine("runs", "list")

    assert said.code == 2
    assert "SPINE_LEASE_SECONDS" in said.err


@pytest.mark.parametrize("command", [("runs", "list", "-q"), ("workflows", "list"), ("db", "current"), ("doctor",)])
def test_every_command_tells_once_of_a_variable_that_is_nearly_a_setting(spine, monkeypatch, command):
    monkeypatch.setenv("SPINE_DATABSE_URL", "sqlite:///hunter2.db")
    monkeypatch.setenv("SPINE_API_KEY", "hunter2")

    said = spine(*command)

    assert said.err.splitlines()[0] == "spine: SPINE_DATABSE_URL is not a setting; did you mean SPINE_DATABASE_URL?"
    assert said.all.count("SPINE_DATABSE_URL") == 1
    assert "hunter2" not in said.all
    assert "SPINE_API_KEY" not in said.all


@pytest.mark.parametrize(
    ("target", "code", "says"),
    [
        ("absent.py", 2, "absent.py does not exist"),
        ("absent", 2, "no module 'absent'"),
        (".", 2, "is a folder"),
        ("./orders", 2, "orders does not exist; did you mean orders.py?"),
        ("orders.py:absent", 3, "no workflow 'absent' in orders.py; it has: orders"),
        ("several.py", 2, "several.py has 2 workflows; name one, as in several.py:NAME: first.flow, second.flow"),
        ("none.py", 2, "no workflow in none.py"),
    ],
)
def test_a_workflow_that_cannot_be_found_is_explained(spine, orders, place, target, code, says):
    (place / "several.py").write_text(TOP + flow("one", "first.flow") + flow("two", "second.flow"))
    (place / "none.py").write_text("")

    said = spine("run", target)

    assert said.code == code
    assert says in said.err


def test_a_package_is_a_module_although_it_is_a_folder(spine, place):
    (place / "nightly").mkdir()
    (place / "nightly" / "__init__.py").write_text(TOP + flow("one", "first.flow"))

    assert spine("run", "nightly", "--json").json["workflow_name"] == "first.flow"
    assert spine("run", "nightly:one", "--json").json["workflow_name"] == "first.flow"


def test_whoever_named_an_app_that_is_not_there_is_told(spine, orders, monkeypatch):
    monkeypatch.setenv("SPINE_APP", "absent.py")

    said = spine("run", "orders.py")

    assert said.code == 2
    assert "absent.py does not exist (SPINE_APP, or [tool.spine] in pyproject.toml, names this app)" in said.err


@pytest.mark.parametrize("name", ["second.flow", "two"])
def test_a_workflow_is_chosen_by_its_name_or_by_its_attribute(spine, place, name):
    (place / "several.py").write_text(TOP + flow("one", "first.flow") + flow("two", "second.flow") + "alias = two\n")

    said = spine("run", f"several.py:{name}", "--json")

    assert said.json["workflow_name"] == "second.flow"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("x = 1\nundefined()\n", "NameError: name 'undefined' is not defined ({place}/broken.py, line 2)"),
        ("def\n", "SyntaxError: invalid syntax ({place}/broken.py, line 1)"),
        ("\n\nimport absent_one\n", "ModuleNotFoundError: No module named 'absent_one' ({place}/broken.py, line 3)"),
        (
            TOP + "Workflow('x', [])\n",
            "InvalidWorkflow: workflow 'x' has no steps ({place}/broken.py, line 2)",
        ),
        ("import sys\nsys.exit(3)\n", "it exits (3)"),
        ("class Odd(BaseException): pass\nraise Odd('base')\n", "Odd: base ({place}/broken.py, line 2)"),
        ("import asyncio\nraise asyncio.CancelledError\n", "CancelledError ({place}/broken.py, line 2)"),
        ("class Odd(Exception):\n    def __str__(self): raise SystemExit\nraise Odd\n", "Odd ({place}/broken.py"),
        ("raise ValueError('a\\nb\\x1b[31m')", "ValueError: a\\nb\\x1b[31m"),
    ],
)
@pytest.mark.parametrize("words", [("run", "broken.py"), ("resume", "r1", "--app", "broken.py")], ids=lambda w: w[0])
def test_a_file_that_cannot_be_imported_is_told_with_its_line(spine, place, content, says, words):
    (place / "broken.py").write_text(content)

    said = spine(*words)

    assert said.code == 2
    assert "cannot import broken.py: " in said.err
    assert says.format(place=place) in said.err
    assert said.err.count("\n") == 1


def test_an_import_that_is_interrupted_says_so_and_no_more(spine, place):
    (place / "broken.py").write_text("class Stop(KeyboardInterrupt): pass\nraise Stop\n")

    said = spine("run", "broken.py")

    assert (said.code, said.out, said.err) == (130, "", "spine: interrupted\n")


def test_a_traceback_is_shown_only_when_asked_for(spine, place):
    (place / "broken.py").write_text("undefined()\n")

    assert "Traceback" not in spine("run", "broken.py").err
    assert "Traceback" in spine("--debug", "run", "broken.py").err
    assert "Traceback" in spine("run", "broken.py", "--debug").err


def test_a_file_may_import_what_lies_beside_it_also_while_a_step_runs(place):
    folder = place / "jobs"
    folder.mkdir()
    (folder / "beside.py").write_text("NUMBER = 1\n")
    (folder / "later.py").write_text("NUMBER = 2\n")
    (folder / "job.py").write_text(
        TOP + "from beside import NUMBER\n"
        "def step(ctx, config):\n"
        "    import later\n"
        "    return {'sum': NUMBER + later.NUMBER}\n"
        "job = Workflow('job', [Step.lambda_('add', step)])\n"
    )

    assert typed("run", "jobs/job.py", "--json", place=place).json["status"] == "completed"


def test_a_module_is_found_from_the_current_folder(place):
    package = place / "jobs"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "daily.py").write_text(TOP + flow("daily", "jobs.daily"))

    run = typed("run", "jobs.daily:daily", "--json", place=place)

    assert (run.code, run.json["workflow_name"]) == (0, "jobs.daily")


def test_a_file_named_like_a_module_of_python_does_not_take_its_place(place):
    (place / "json.py").write_text(TOP + flow("flow", "json.flow"))

    assert typed("run", "json.py", "--json", place=place.parent).code == 2
    (place / "jobs").mkdir()
    (place / "json.py").rename(place / "jobs" / "json.py")
    assert json.loads(typed("run", "jobs/json.py", "--json", place=place).out)["status"] == "completed"


def test_two_different_workflows_of_one_name_are_refused_and_one_found_twice_is_not(spine, place):
    (place / "here.py").write_text(TOP + flow("a", "same.name", 1))
    (place / "there.py").write_text(TOP + flow("a", "same.name", 2))

    refused = spine("workflows", "list", "--app", "here.py,there.py")
    twice = spine("workflows", "list", "--app", "here.py,./here.py,here.py:a", "--json")

    assert refused.code == 2
    assert "two different workflows are named 'same.name'" in refused.err
    assert [workflow["name"] for workflow in twice.json] == ["same.name"]


def test_an_attribute_narrows_an_app_to_one_workflow(spine, place):
    (place / "both.py").write_text(TOP + flow("a", "same.name", 1) + flow("b", "same.name", 2))

    assert spine("workflows", "list", "--app", "both.py").code == 2
    assert spine("workflows", "list", "--app", "both.py:b", "--json").json[0]["name"] == "same.name"
    assert spine("run", "both.py:same.name").code == 2
    assert spine("run", "both.py:b", "--run-id", "r1").code == 0
    assert spine("checkpoints", "show", "r1", "--json").json["context_snapshot"]["outputs"] == {"one": {"from": 2}}


def test_the_workflow_of_a_run_that_is_not_found_is_asked_for(place):
    (place / "orders.py").write_text(ORDERS)
    typed("run", "orders.py", "--run-id", "r1", place=place)

    said = typed("resume", "r1", place=place)

    assert said.code == 3
    assert "--app" in said.err
    assert str(place / "orders.py") in said.err


def test_the_log_is_shown_in_full_when_asked_for(spine, orders):
    quiet = spine("run", orders, "--run-id", "r1")
    full = spine("run", orders, "--run-id", "r2", "--verbose")

    assert "step.completed run_id=" not in quiet.err
    assert "DEBUG step.completed run_id=r2 workflow=orders step=extract" in full.err


def test_an_attribute_leads_to_its_workflow_also_where_others_share_a_name(spine, place):
    (place / "many.py").write_text(
        TOP + flow("a", "same.name", 1) + flow("b", "same.name", 2) + flow("other", "other.name", 3)
    )

    chosen, asked = spine("run", "many.py:other", "--run-id", "r1", "--json"), spine("run", "many.py")

    assert (chosen.code, chosen.json["workflow_name"]) == (0, "other.name")
    assert "many.py has 3 workflows; name one, as in many.py:NAME: a, b, other.name" in asked.err
