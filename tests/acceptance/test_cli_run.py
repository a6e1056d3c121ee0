"""`spine run` and `spine resume`: what a person types, reads and gets."""

import json

import pytest

from tests.acceptance.command import ORDERS, in_shell, typed, typed_anew

COMPLETE = ("--param", "target=main")


@pytest.fixture
def orders(place):
    (place / "orders.py").write_text(ORDERS)
    return "orders.py"


def test_a_run_fails_shows_how_to_resume_it_and_the_line_works_as_printed(place, database_url):
    (place / "orders.py").write_text(ORDERS)
    settings = {"SPINE_DATABASE_URL": database_url}

    failed = typed("run", "orders.py", "--run-id", "monday", place=place, **settings)
    resumed = in_shell(f"{failed.resume_command} --param target=main", place=place, **settings)

    assert failed.code == 1
    assert failed.out == "run monday of orders failed at load: ConnectionError: the target is out of reach\n"
    assert failed.resume_command == "spine resume monday --app orders.py"
    assert resumed.code == 0, resumed.err
    assert resumed.out.startswith("run monday of orders completed: 3 steps done, 2 of them now, 1 skipped, in ")


def test_a_completed_run_exits_with_0_and_says_so_on_stdout(spine, orders):
    said = spine("run", orders, "--run-id", "r1", *COMPLETE)

    assert said.code == 0
    assert said.out.startswith("run r1 of orders completed: 3 steps done, 1 skipped, in ")


def test_a_failed_run_exits_with_1_and_stdout_tells_the_error(spine, orders):
    said = spine("run", orders, "--run-id", "r1")

    assert said.code == 1
    assert "failed at load: ConnectionError: the target is out of reach" in said.out


def test_elsewhere_than_on_a_terminal_each_event_is_one_plain_line_on_stderr(spine, orders):
    said = spine("run", orders, "--run-id", "r1")

    told = [line.partition(" ")[2] for line in said.err.splitlines()]
    assert told[0] == "run r1 of orders started at step 1 of 4, extract"
    assert [line.partition(" after")[0] for line in told[1:-2]] == [
        "1/4 extract started",
        "1/4 extract completed",
        "2/4 check started",
        "2/4 check skipped",
        "3/4 load started",
        "3/4 load failed",
    ]
    assert told[4].endswith(": nothing to check")
    assert told[6].endswith(": ConnectionError: the target is out of reach")
    assert "\x1b" not in said.all


def test_a_resume_of_a_completed_run_says_so_and_exits_with_0(spine, orders):
    spine("run", orders, "--run-id", "r1", *COMPLETE)

    said = spine("resume", "r1", "--app", orders)
    as_json = spine("resume", "r1", "--app", orders, "--json")

    assert (said.code, said.out) == (0, "run r1 of orders has completed already; there was nothing to do\n")
    assert as_json.code == 0
    assert as_json.json["status"] == "completed"
    assert as_json.json["completed_steps"] == []
    assert as_json.json["all_completed_steps"] == ["extract", "load", "report"]
    assert as_json.json["skipped_steps"] == ["check"]
    assert spine("resume", "r1", "--app", orders, "--param", "target=x").code == 4
    assert as_json.json["resume_command"] is None


def test_json_of_a_failed_run_tells_all_that_a_machine_needs(spine, orders):
    said = spine("run", orders, "--run-id", "r1", "--json")

    assert said.code == 1
    durations = said.json.pop("durations")
    assert list(durations) == ["extract", "check", "load"]
    assert said.json == {
        "durations": durations,
        "status": "failed",
        "run_id": "r1",
        "workflow_name": "orders",
        "completed_steps": ["extract"],
        "all_completed_steps": ["extract"],
        "skipped_steps": ["check"],
        "error_step": "load",
        "error": "the target is out of reach",
        "error_type": "ConnectionError",
        "error_category": "transient",
        "resume_command": "spine resume r1 --app orders.py",
    }


def test_json_of_a_resumed_run_keeps_this_attempt_and_all_of_it_apart(spine, orders):
    spine("run", orders, "--run-id", "r1")

    said = spine("--json", "resume", "r1", "--app", orders, *COMPLETE)

    assert said.json["completed_steps"] == ["load", "report"]
    assert said.json["all_completed_steps"] == ["extract", "load", "report"]
    assert said.json["resume_command"] is None


def test_with_json_stdout_holds_the_json_alone_whatever_steps_print(place):
    (place / "chatty.py").write_text(
        "import os\n"
        "from spine.orchestration import Step, Workflow\n"
        "print('imported')\n"
        "def talk(ctx, config):\n"
        "    print('printed')\n"
        "    os.system('echo echoed')\n"
        "    return {}\n"
        "chatty = Workflow('chatty', [Step.lambda_('talk', talk)])\n"
    )

    said = typed("run", "chatty.py", "--json", place=place)

    assert said.json["status"] == "completed"
    assert {"imported", "printed", "echoed"} <= set(said.err.splitlines())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("0.5", 0.5),
        ("true", True),
        ("null", None),
        ('"5"', "5"),
        ("[1, 2]", [1, 2]),
        ('{"a": {"b": 1}}', {"a": {"b": 1}}),
        ("main", "main"),
        ("", ""),
        (" 5 ", 5),
        ("a=b", "a=b"),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("[NaN]", "[NaN]"),
        ("{'a': 1}", "{'a': 1}"),
        ("01", "01"),
        ("2013-01-17", "2013-01-17"),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ("1e22", 1e22),
        ("Köln ☃", "Köln ☃"),
    ],
)
def test_a_param_is_json_if_it_parses_as_json_and_else_a_string(spine, orders, text, value):
    spine("run", orders, "--run-id", "r1", "--param", f"given={text}")

    params = spine("runs", "show", "r1", "--json").json["params"]

    assert params["given"] == value
    assert type(params["given"]) is type(value)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--param", "target"), "NAME=VALUE"),
        (("--param", "=1"), "NAME=VALUE"),
        (("--param", "__resumed__=true"), "__resumed__"),
        (("--param", f"n={'9' * 5000}"), "5,000 digits"),
        (("--param", "n=1e999"), "too large"),
        (("--param", 'n={"a": [{"b": 1, "b": 2}]}'), "--param n has 'b' more than once in an object"),
        (("--param", f"n={'[' * 100_000}"), "nested too deeply"),
        (("--partition", "date"), "--partition takes NAME=VALUE"),
        (("--params-file", "absent.json"), "absent.json cannot be read"),
        (("--run-id", ""), "a run id must have 1 to 36 characters"),
        (("--run-id", "x" * 37), "a run id must have 1 to 36 characters"),
        (("--run-id", "a\x1b[31mb"), "printable"),
    ],
)
def test_what_is_wrong_with_an_argument_is_said_on_one_line_and_nothing_runs(spine, orders, place, arguments, says):
    said = spine("run", orders, *arguments)

    assert (said.code, said.out) == (2, "")
    assert says in said.err
    assert said.err.startswith("spine: ")
    assert said.err.count("\n") == 1
    assert not (place / "spine.db").exists()


def test_params_come_from_a_file_and_what_is_typed_wins(spine, orders, place):
    (place / "params.json").write_text('{"target": "from file", "other": [1]}')

    said = spine("run", orders, "--run-id", "r1", "--params-file", "params.json", "--param", "target=typed")

    assert said.code == 0
    assert spine("runs", "show", "r1", "--json").json["params"] == {"target": "typed", "other": [1]}


@pytest.mark.parametrize("option", ["--param", "--partition", "--secret"])
def test_a_name_that_is_given_twice_is_refused(spine, orders, place, option):
    said = spine("run", orders, option, "day=1", option, "other=2", option, "day=3")

    assert (said.code, said.err) == (2, f"spine: {option} day is given twice; leave one of them out\n")
    assert not (place / "spine.db").exists()


def test_params_come_from_stdin(place):
    (place / "orders.py").write_text(ORDERS)

    said = typed_anew("run", "orders.py", "--params-file", "-", "--json", place=place, stdin='{"target": "main"}')

    assert said.json["status"] == "completed"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[1]", "must hold a JSON object"),
        (b"{", "is not JSON"),
        (b'{"a": NaN}', "is not JSON"),
        (b"\xff", "is not UTF-8"),
        (b"", "is not JSON"),
    ],
)
def test_a_params_file_that_is_no_json_object_is_refused(spine, orders, place, content, says):
    (place / "params.json").write_bytes(content)

    said = spine("run", orders, "--params-file", "params.json")

    assert said.code == 2
    assert says in said.err


def test_an_override_on_resume_replaces_one_param_and_keeps_the_others(spine, orders):
    spine("run", orders, "--run-id", "r1", "--param", "target=", "--param", "kept=1")

    resumed = spine("resume", "r1", "--app", orders, "--param", "target=main")

    assert resumed.code == 0
    assert spine("runs", "show", "r1", "--json").json["params"] == {"target": "main", "kept": 1}


def test_an_override_that_the_run_had_no_param_for_is_told(spine, orders):
    spine("run", orders, "--run-id", "r1", "--param", "target=")

    slipped = spine("resume", "r1", "--app", orders, "--param", "taget=main", "--param", "target=")

    assert slipped.err.startswith("spine: param 'taget' is new to this run, which has: target\n")
    assert "is new to this run" not in spine("resume", "r1", "--app", orders, "--param", "taget=main").err
    assert "is new" in spine("resume", "r1", "--app", orders, "--param", "tagte=1", "-q").err


def test_a_partition_is_kept_with_the_run(spine, orders):
    spine("run", orders, "--run-id", "r1", "--partition", "date=2013-01-17", "--partition", "shard=3", *COMPLETE)

    assert spine("runs", "show", "r1", "--json").json["partition"] == {"date": "2013-01-17", "shard": 3}


def test_start_from_passes_over_the_steps_before_and_continues_a_run(spine, orders):
    spine("run", orders, "--run-id", "r1")

    said = spine("run", orders, "--run-id", "r1", "--start-from", "report", "--json")

    assert said.code == 0
    assert said.json["completed_steps"] == ["report"]
    assert said.json["skipped_steps"] == ["check", "load"]
    assert spine("run", orders, "--start-from", "nowhere").code == 3


def test_the_id_of_an_existing_run_is_refused_with_the_command_that_resumes_it(spine, orders):
    spine("run", orders, "--run-id", "r1")

    said = spine("run", orders, "--run-id", "r1")

    assert said.code == 4
    assert "run 'r1' exists and has failed" in said.err
    assert said.resume_command == "spine resume r1 --app orders.py"


def test_resume_says_not_found_refused_and_used_wrongly_by_its_exit_code(spine, orders):
    spine("run", orders, "--run-id", "r1")

    assert spine("resume", "absent", "--app", orders).code == 3
    assert spine("resume").code == 2
    assert spine("checkpoints", "delete", "r1").code == 0
    assert spine("resume", "r1", "--app", orders).code == 4


def test_a_changed_definition_is_refused(spine, orders, place):
    spine("run", orders, "--run-id", "r1")
    (place / "changed.py").write_text(ORDERS.replace('"extract"', '"renamed"', 2))

    said = spine("resume", "r1", "--app", "changed.py", *COMPLETE)

    assert said.code == 4
    assert "nothing was run" in said.err


def test_a_run_in_memory_only_says_that_it_cannot_be_resumed(spine, orders):
    said = spine("run", orders, "--database-url", "memory://", "--json")

    assert said.code == 1
    assert said.json["resume_command"] is None
    assert "cannot be resumed" in said.err


def test_a_database_named_on_the_command_line_is_part_of_the_resume_command(spine, orders, place):
    failed = spine("run", orders, "--run-id", "r1", "--database-url", "sqlite:///my runs.db")

    assert failed.resume_command == "spine resume r1 --app orders.py --database-url 'sqlite:///my runs.db'"
    assert in_shell(f"{failed.resume_command} --param target=x", place=place).code == 0


def test_an_id_and_a_file_that_need_quotes_are_quoted_so_that_a_shell_takes_them(spine, place):
    (place / "my $(flows) 'x'.py").write_text(ORDERS)

    failed = spine("run", "my $(flows) 'x'.py", "--run-id", "; rm 'x' $(y)")

    assert failed.code == 1
    assert in_shell(f"{failed.resume_command} --param target=x", place=place).code == 0


def test_an_id_that_looks_like_an_option_still_gives_a_command_that_works(spine, orders, place):
    failed = spine("run", orders, "--run-id", "--json")

    resumed = in_shell(failed.resume_command, place=place)

    assert failed.resume_command == "spine resume --app orders.py -- --json"
    assert resumed.out.startswith("run --json of orders failed at load")


def test_an_app_that_the_environment_names_is_left_out_of_the_resume_command(spine, orders, monkeypatch):
    monkeypatch.setenv("SPINE_APP", "orders.py")

    failed = spine("run", orders, "--run-id", "r1")

    assert failed.resume_command == "spine resume r1"
    assert spine("resume", "r1", *COMPLETE).code == 0


def test_a_file_beside_the_named_app_is_added_to_it_in_the_resume_command(spine, orders, place, monkeypatch):
    (place / "pipelines.py").write_text(
        "from spine.orchestration import pipeline\n"
        "@pipeline('orders.count')\n"
        "def count(params):\n"
        "    if params.get('fixed') is None:\n"
        "        raise ValueError('not yet')\n"
        "    return {'n': 1}\n"
    )
    (place / "counting.py").write_text(
        "from spine.orchestration import Step, Workflow\n"
        "counting = Workflow('counting', [Step.pipeline('count', 'orders.count')])\n"
    )
    monkeypatch.setenv("SPINE_APP", "pipelines.py")

    failed = spine("run", "counting.py", "--run-id", "r1")

    assert failed.resume_command == "spine resume r1 --app pipelines.py,counting.py"
    assert in_shell(f"{failed.resume_command} --param fixed=1", place=place).code == 0


def test_what_json_says_of_a_value_that_json_cannot_say_is_tagged(spine, place):
    (place / "values.py").write_text(
        "from datetime import date\n"
        "from decimal import Decimal\n"
        "from spine.orchestration import Step, Workflow\n"
        "def make(ctx, config):\n"
        "    return {'zeta': 1, 'a': date(2013, 1, 17), 'd': Decimal('1.10'), 't': (1, 2), 'nan': float('nan'),\n"
        "            'big': 2**70, 'e22': 1e22, '$x': 1, 'keys': {1: 'one'}, 'rows': [{'zz': 1, 'b': 2}]}\n"
        "values = Workflow('values', [Step.lambda_('make', make)])\n"
    )
    spine("run", "values.py", "--run-id", "r1")

    shown = spine("checkpoints", "show", "r1", "--json")

    assert shown.json["context_snapshot"]["outputs"]["make"] == {
        "zeta": 1,
        "a": {"$date": "2013-01-17"},
        "d": {"$decimal": "1.10"},
        "t": {"$tuple": [1, 2]},
        "nan": {"$float": "nan"},
        "big": 2**70,
        "e22": 1e22,
        "$$x": 1,
        "keys": {"$dict": [1, "one"]},
        "rows": [{"zz": 1, "b": 2}],
    }
    json.loads(shown.out, parse_constant=pytest.fail)
