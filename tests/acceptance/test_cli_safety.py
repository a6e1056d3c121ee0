"""What no command shows: passwords; and what no text of others does: command the terminal."""

import json
import sqlite3
import subprocess
from contextlib import closing
from urllib.parse import quote

import pytest
from sqlalchemy import make_url

from spine.cli.options import Options
from spine.cli.resume_command import ResumeCommand, resume_command
from spine.cli.suggested import completed
from tests.acceptance.command import ORDERS, command_line, environment, in_shell, typed

PASSWORD = "hunter2xyz"
HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1b[31m\rgone\n\x9b31m\u202e\u2028\u200b"
COMPLETE = ("--param", "target=main")
SHOWING = [
    ("runs", "list"),
    ("runs", "list", "--json"),
    ("runs", "show", "r1"),
    ("runs", "show", "r1", "--json"),
    ("checkpoints", "list", "r1"),
    ("checkpoints", "list", "r1", "--json"),
    ("checkpoints", "show", "r1"),
    ("checkpoints", "show", "r1", "--json"),
]


@pytest.fixture
def orders(place):
    (place / "orders.py").write_text(ORDERS)
    return "orders.py"


def commands_a_terminal(text):
    return [char for char in text if not char.isprintable() and char != "\n"]


def test_what_a_step_says_commands_no_terminal(spine, place):
    (place / "hostile.py").write_text(
        "from spine.orchestration import Step, StepResult, Workflow\n"
        f"text = {HOSTILE!r}\n"
        "def fail(ctx, config):\n"
        "    raise ValueError(text)\n"
        "hostile = Workflow('hostile', [\n"
        "    Step.lambda_('quiet', lambda ctx, config: StepResult.ok({'text': text}, metadata={'note': text})),\n"
        "    Step.lambda_('skip', lambda ctx, config: StepResult.skip(text)),\n"
        "    Step.lambda_('fail', fail),\n"
        "])\n"
    )

    ran = spine("run", "hostile.py", "--run-id", "r1", "--param", f"given={HOSTILE}")
    shown = [spine(*words) for words in SHOWING] + [spine("checkpoints", "show", "r1", "quiet")]

    assert ran.code == 1
    assert commands_a_terminal(ran.all) == []
    for said in shown:
        assert commands_a_terminal(said.all) == []
    assert spine("runs", "show", "r1", "--json").json["error"].replace("\\0", "\0") == HOSTILE
    assert spine("runs", "show", "r1", "--json").json["params"]["given"] == HOSTILE


def test_what_somebody_wrote_into_the_tables_commands_no_terminal(spine, orders, place):
    spine("run", orders, "--run-id", "r1")
    with closing(sqlite3.connect(place / "spine.db")) as connection, connection:
        connection.execute(
            "UPDATE core_workflow_runs SET workflow_name = ?, error = ?, error_type = ?, current_step = ?,"
            " error_step = ?, holder = ?, expires_at = '2999-01-01 00:00:00.000000'",
            [HOSTILE] * 6,
        )
        connection.execute("UPDATE core_workflow_events SET actor = ?, reason = ?", [HOSTILE] * 2)

    for words in (
        *SHOWING,
        ("resume", "r1", "--app", orders),
        ("runs", "cancel", "r1"),
        ("checkpoints", "delete", "r1"),
    ):
        assert commands_a_terminal(spine(*words).all) == [], words


def test_a_name_in_the_tables_is_never_run_by_a_copied_resume_command(spine, orders, place):
    spine("run", orders, "--run-id", "r1")
    with closing(sqlite3.connect(place / "spine.db")) as connection, connection:
        for table in ("core_workflow_runs", "core_workflow_definitions"):
            connection.execute(f"UPDATE {table} SET run_id = 'x; touch owned'")

    command = spine("runs", "show", "x; touch owned", "--json").json["resume_command"]
    in_shell(command, place=place)

    assert command == "spine resume 'x; touch owned'"
    assert not (place / "owned").exists()


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://spine:{PASSWORD}@127.0.0.1:1/x",
        f"postgresql://spine:{PASSWORD}@absent.invalid/x",
        f"postgresql://spine@127.0.0.1:1/x?password={PASSWORD}",
        f"postgresql://spine@127.0.0.1:1/x?sslpassword={PASSWORD}",
        f"postgresql://spine@127.0.0.1:1/x?scram_client_key={PASSWORD}",
        f"postgresql://spine@127.0.0.1:1/x?oauth_client_secret={PASSWORD}",
        f"postgresql://spine:a@{PASSWORD}@127.0.0.1:1/x",
        f"postgresql://spine:{PASSWORD}@127.0.0.1:port/x",
        f"postgresql://spine:{PASSWORD}@[::1/x",
        f"mysql://spine:{PASSWORD}@h/x",
        f"sqlite://spine:{PASSWORD}@h/x",
    ],
)
def test_the_password_of_the_database_is_in_no_answer(spine, orders, monkeypatch, url):
    typed_out = [
        spine(*words, "--database-url", url, "--debug", "--verbose")
        for words in (("run", orders), ("resume", "r1", "--app", orders), ("runs", "list"), ("db", "check"))
    ]
    monkeypatch.setenv("SPINE_DATABASE_URL", url)
    from_variable = [spine(*words, "--debug") for words in (("run", orders), ("runs", "show", "r1"), ("db", "upgrade"))]
    misplaced = [spine(url), spine("runs", "list", url), spine(f"--database-urls={url}"), spine("run", url)]

    for said in (*typed_out, *from_variable, *misplaced):
        assert said.code in (1, 2)
        assert PASSWORD not in said.all


def test_a_failed_run_does_not_repeat_the_password_and_says_where_to_put_the_url(place, postgres_url):
    (place / "orders.py").write_text(ORDERS)
    password = make_url(postgres_url).password
    assert password

    failed = typed("run", "orders.py", "--run-id", "r1", "--database-url", postgres_url, place=place)
    resumed = in_shell(f"{failed.resume_command} --param target=x", place=place, SPINE_DATABASE_URL=postgres_url)

    assert failed.code == 1
    assert password not in failed.all
    assert quote(password) not in failed.all
    assert failed.resume_command == "spine resume r1 --app orders.py"
    assert "SPINE_DATABASE_URL" in failed.err.splitlines()[-2]
    assert resumed.code == 0, resumed.err


def test_a_failed_run_repeats_no_secret_among_the_options_of_the_url(place, postgres_url):
    (place / "orders.py").write_text(ORDERS)
    parsed = make_url(postgres_url)
    url = f"postgresql://{parsed.username}@{parsed.host}:{parsed.port}/{parsed.database}?oauth_client_secret={PASSWORD}"

    failed, shown = (
        typed(*words, "--verbose", "--debug", "--database-url", url, place=place, PGPASSWORD=str(parsed.password))
        for words in (("run", "orders.py", "--run-id", "r1"), ("runs", "show", "r1"))
    )

    assert failed.code == 1
    assert PASSWORD not in failed.all + shown.all
    assert failed.resume_command == "spine resume r1 --app orders.py"
    assert shown.out.endswith("resume it with: spine resume r1\n")


@pytest.mark.parametrize("option", ["scram_client_key", "scram_server_key", "oauth_client_secret", "sslpassword"])
def test_a_resume_command_holds_no_option_that_is_a_secret(option):
    options = Options(database_url=f"postgresql://spine@db/x?{option}={PASSWORD}")

    resume = resume_command("r1", options, app=None)

    assert resume == ResumeCommand(
        line="spine resume r1", first="put the database URL, which holds a secret, into SPINE_DATABASE_URL"
    )


def test_a_url_in_the_error_of_a_step_is_shown_without_its_password(spine, place):
    (place / "leaks.py").write_text(
        "from spine.orchestration import Step, Workflow\n"
        "def connect(ctx, config):\n"
        f"    raise OSError('no route to postgresql://etl:{PASSWORD}@db/x?oauth_client_secret={PASSWORD}"
        f"&scram_client_key={PASSWORD} (password={PASSWORD})')\n"
        "leaks = Workflow('leaks', [Step.lambda_('connect', connect)])\n"
    )

    for said in (spine("run", "leaks.py", "--run-id", "r1", "--verbose"), spine("runs", "show", "r1")):
        assert "no route to postgresql://etl:***@db/x" in said.all
        assert PASSWORD not in said.all


def test_a_secret_is_shown_by_its_reference_only(place):
    (place / "secret.py").write_text(
        "from spine.orchestration import Secret, Step, Workflow\n"
        "def use(ctx, config):\n"
        "    return {'length': len(ctx.params['token'])}\n"
        "secret = Workflow('secret', [Step.lambda_('use', use)], defaults={'token': Secret('API_TOKEN')})\n"
    )
    settings = {"API_TOKEN": PASSWORD}

    said = [
        typed("run", "secret.py", "--run-id", "r1", "--verbose", place=place, **settings),
        typed("runs", "show", "r1", place=place, **settings),
        typed("checkpoints", "show", "r1", "--json", place=place, **settings),
    ]

    assert said[0].code == 0, said[0].err
    assert all(PASSWORD not in one.all for one in said)
    assert "API_TOKEN" in said[1].out


@pytest.mark.parametrize("argument", [b"\xff\xfe", b"a\xc3"])
def test_an_argument_that_is_no_text_is_refused(place, argument):
    done = subprocess.run(
        [*map(str.encode, command_line("runs", "show")), argument], cwd=place, env=environment(), capture_output=True
    )

    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.startswith(b"spine: an argument is not text")


def test_json_is_json_whatever_text_is_in_it(spine, place):
    (place / "odd.py").write_text(
        "from spine.orchestration import Step, Workflow\n"
        "def add(ctx, config):\n"
        "    return {'text': ctx.params['text'] + chr(0) + chr(0xd800)}\n"
        "odd = Workflow('odd', [Step.lambda_('one', add)])\n"
    )
    spine("run", "odd.py", "--run-id", "r1", "--param", 'text="Köln \\u2603 \\u0085 \\"quoted\\" 😀"')

    said = spine("checkpoints", "show", "r1", "--json")

    assert json.loads(said.out)["context_snapshot"]["outputs"]["one"]["text"] == 'Köln ☃ \x85 "quoted" 😀\0\ud800'
    assert "Köln ☃" in said.out
    assert commands_a_terminal(said.out) == []


@pytest.mark.parametrize("run_id", ["x; touch owned", "a b", "$(touch owned)", "-d", "it's"])
def test_a_command_that_an_error_names_does_what_it_says_whatever_the_id(spine, orders, place, run_id):
    url = "sqlite:///own.db"
    spine("run", orders, "--run-id", run_id, "--database-url", url)

    told = spine("checkpoints", "show", "--database-url", url, "--", run_id, "nostep")
    command = told.err.partition("see what it has with: ")[2].strip()
    listed = in_shell(command, place=place)

    assert (told.code, listed.code) == (3, 0)
    assert "extract" in listed.out
    assert not (place / "owned").exists()


def test_only_a_command_that_is_suggested_takes_the_database():
    said = completed("'a spine doctor b' failed; resume it with: spine resume 'a spine doctor b'", url="sqlite:///x y")

    assert said.endswith("; resume it with: spine resume --database-url 'sqlite:///x y' 'a spine doctor b'")
    assert said.startswith("'a spine doctor b' failed; ")


INTERRUPTED = """
from spine.stores.sql.own_connection import OwnConnection
close = OwnConnection.close
def interrupted(connection):
    close(connection)
    raise KeyboardInterrupt
OwnConnection.close = interrupted
"""


def test_ctrl_c_while_a_connection_is_closed_is_told_in_one_line(place):
    (place / "interrupted.py").write_text(ORDERS + INTERRUPTED)

    said = typed("run", "interrupted.py", "--run-id", "r1", "--quiet", place=place)

    assert said.code == 130
    assert said.err.splitlines()[1:] == ["spine: interrupted"]  # after how to resume it
