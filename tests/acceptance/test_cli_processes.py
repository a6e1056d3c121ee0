"""The command as a process: signals, pipes, terminals, two at once."""

import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
from contextlib import closing

import pytest

from spine.orchestration import WorkflowRunner
from tests.acceptance.command import (
    ORDERS,
    WAITING,
    command_line,
    environment,
    in_shell,
    started,
    typed,
    typed_anew,
    until_waiting,
)
from tests.programs.forked import Forked

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def waiting(place):
    (place / "waiting.py").write_text(WAITING)
    return "waiting.py"


def test_ctrl_c_ends_the_run_at_once_and_a_resume_works_immediately(place, waiting, spine, database_url):
    _stop_and_resume(place, waiting, spine, database_url, signal.SIGINT, 130)


def test_sigterm_ends_the_run_at_once_and_a_resume_works_immediately(place, waiting, spine, sqlite_url):
    _stop_and_resume(place, waiting, spine, sqlite_url, signal.SIGTERM, 143)


def _stop_and_resume(place, waiting, spine, database_url, signum, code):
    process = started("run", waiting, "--run-id", "r1", place=place, SPINE_DATABASE_URL=database_url)
    until_waiting(process)

    process.send_signal(signum)
    out, err = process.communicate(timeout=30)
    resumed = spine("resume", "r1", "--app", waiting, "--param", "go=1", "--json", "--database-url", database_url)

    assert process.returncode == code
    assert out.startswith(f"run r1 of waiting failed at wait: Interrupted: interrupted by {signum.name}")
    assert err.endswith("resume it with: spine resume r1 --app waiting.py\n")
    assert "Traceback" not in err
    assert resumed.code == 0
    assert resumed.json["completed_steps"] == ["wait", "last"]


def test_an_interrupted_run_still_gives_its_json(place, waiting):
    process = started("run", waiting, "--run-id", "r1", "--json", place=place)
    assert process.stderr is not None
    while process.stderr.readline() != "waiting\n":
        pass

    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)

    assert process.returncode == 130
    assert '"error_type": "Interrupted"' in out
    told = json.loads(out)
    assert told["completed_steps"] == ["first"]
    assert list(told["durations"]) == ["first", "wait"]
    assert '"resume_command": "spine resume r1 --app waiting.py"' in out


def test_a_run_that_another_process_drives_is_held_and_its_exit_code_is_75(place, waiting, spine, database_url):
    process = started("run", waiting, "--run-id", "r1", place=place, SPINE_DATABASE_URL=database_url)
    until_waiting(process)

    url = ("--database-url", database_url)
    resumed = spine("resume", "r1", "--app", waiting, *url)
    executed = spine("run", waiting, "--run-id", "r1", *url)
    deleted = spine("checkpoints", "delete", "r1", *url)
    shown = spine("runs", "show", "r1", *url)
    process.communicate("\n\n", timeout=30)

    assert [said.code for said in (resumed, executed, deleted)] == [75, 75, 75]
    assert f"/{process.pid} since" in resumed.err
    assert f"/{process.pid} since" in shown.out
    assert "resume it with" not in shown.out
    assert process.returncode == 0


def test_a_run_that_is_cancelled_while_it_is_driven_ends_with_exit_code_1(place, waiting, spine):
    process = started("run", waiting, "--run-id", "r1", place=place)
    until_waiting(process)

    cancelled = spine("runs", "cancel", "r1")
    out, err = process.communicate("\n\n", timeout=30)

    assert cancelled.code == 0
    assert f"/{process.pid} drove it and stops at its next write: what its step still does must be" in cancelled.out
    assert (process.returncode, out) == (1, "run r1 of waiting is cancelled\n")
    assert err.endswith("resume it with: spine resume r1 --app waiting.py\n")


def test_a_run_that_was_taken_over_ends_with_exit_code_75(place, waiting):
    process = started("run", waiting, "--run-id", "r1", place=place)
    until_waiting(process)

    with closing(sqlite3.connect(place / "spine.db")) as connection, connection:
        connection.execute("UPDATE core_workflow_runs SET fence = fence + 1, holder = 'somebody@else/1'")
    out, err = process.communicate("\n\n", timeout=30)

    assert (process.returncode, out) == (75, "")
    assert "no longer driven by" in err.splitlines()[-1]


def test_a_run_whose_database_fails_under_it_says_how_to_resume_it(place, waiting):
    process = started("run", waiting, "--run-id", "r1", place=place)
    until_waiting(process)

    with closing(sqlite3.connect(place / "spine.db")) as connection, connection:
        connection.execute("DROP TABLE core_workflow_checkpoints")
    _, err = process.communicate("\n\n", timeout=30)

    assert process.returncode == 1
    assert err.endswith("resume it with: spine resume r1 --app waiting.py\n")
    assert "Traceback" not in err


def make_database(place):
    with WorkflowRunner(f"sqlite:///{place / 'spine.db'}") as runner:
        runner.list_runs()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("runs", "list", "--json"), 0),
        (("run", "orders.py", "--param", "target=x"), 0),
        (("run", "orders.py"), 1),
        (("--help",), 0),
    ],
)
def test_a_reader_that_left_is_no_error_and_changes_no_exit_code(place, words, code):
    (place / "orders.py").write_text(ORDERS)
    make_database(place)
    reads, writes = os.pipe()
    os.close(reads)

    done = subprocess.run(
        command_line(*words), cwd=place, env=environment(), stdout=writes, stderr=subprocess.PIPE, encoding="utf-8"
    )
    os.close(writes)

    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_data_that_could_not_be_written_does_not_look_delivered(place):
    said = in_shell("ulimit -f 0; spine runs list --json --database-url memory:// > runs.json", place=place)

    assert said.code == 1
    assert "File too large" in said.err
    assert "Traceback" not in said.err


def test_closed_streams_are_no_error(place):
    (place / "orders.py").write_text(ORDERS)

    assert in_shell("spine run orders.py --param target=x >&- 2>&-", place=place).code == 0
    assert in_shell("spine run orders.py --param target=x --json 2>&-", place=place).json["status"] == "completed"
    assert in_shell("spine run orders.py --params-file - <&-", place=place).code == 2


def test_a_terminal_that_cannot_say_a_letter_gets_it_escaped(place):
    (place / "wide.py").write_text(ORDERS.replace('    "orders",', '    "Aufträge ☃",'))

    said = typed_anew("run", "wide.py", "--run-id", "r1", place=place, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    as_json = typed_anew("runs", "list", "--json", place=place, PYTHONIOENCODING="ascii", PYTHONUTF8="0")

    assert "Auftr\\xe4ge \\u2603" in said.out
    assert as_json.json[0]["workflow_name"] == "Aufträge ☃"


def on_terminal(*arguments, place, **more):
    """Type the command on a terminal of 100 columns, and give its exit code and all that was shown."""
    master, slave = pty.openpty()
    shell = environment(**{"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40", **more})
    process = Forked("spine", *arguments, streams=(slave, slave, slave), folder=place, environment=shell)
    os.close(slave)
    shown = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(master)
    return process.wait(timeout=30), shown.decode().replace("\r\n", "\n")


def test_on_a_terminal_a_run_shows_all_its_steps_with_durations_and_outcome(place):
    (place / "orders.py").write_text(ORDERS)

    code, shown = on_terminal("run", "orders.py", "--run-id", "r1", place=place)

    final = [line.rstrip() for line in ESCAPES.sub("", shown).splitlines()]
    assert code == 1
    assert "\x1b[" in shown
    assert any(re.fullmatch(r"orders  run r1", line) for line in final)
    assert any(re.fullmatch(r" ✓ extract +\d+ ms", line) for line in final)
    assert any(re.fullmatch(r" ↷ check +\d+ ms +skipped: nothing to check", line) for line in final)
    assert any(re.fullmatch(r" ✗ load +\d+ ms +ConnectionError: the target is out of reach", line) for line in final)
    assert any(re.fullmatch(r" · report", line) for line in final)
    assert final[-2:] == [
        "run r1 of orders failed at load: ConnectionError: the target is out of reach",
        "spine: resume it with: spine resume r1 --app orders.py",
    ]


def test_on_a_terminal_a_resume_shows_what_was_done_earlier_and_what_a_step_prints(place):
    (place / "orders.py").write_text(ORDERS.replace('    return {"sum"', '    print("loading now")\n    return {"sum"'))
    typed("run", "orders.py", "--run-id", "r1", place=place)

    code, shown = on_terminal("resume", "r1", "--app", "orders.py", "--param", "target=x", place=place)

    final = [line.rstrip() for line in ESCAPES.sub("", shown).splitlines()]
    assert code == 0
    assert any(re.fullmatch(r" ✓ extract +earlier", line) for line in final)
    assert any(re.fullmatch(r" ↷ check +skipped", line) for line in final)
    assert any(re.fullmatch(r" ✓ load +\d+ ms", line) for line in final)
    assert "loading now" in final


def test_on_a_terminal_the_cursor_is_left_visible_and_no_colour_is_honoured(place):
    (place / "orders.py").write_text(ORDERS)

    _, shown = on_terminal("run", "orders.py", place=place, NO_COLOR="1")
    _, listed = on_terminal("runs", "list", place=place, NO_COLOR="1")
    _, coloured = on_terminal("runs", "list", place=place)

    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", shown + listed)
    assert "\x1b[31mfailed" in coloured


@pytest.mark.parametrize(
    ("letter", "most"), [("Q", 47), ("注", 24), ("\u0e01\u0e34", 47)], ids=["plain", "wide", "with a mark above it"]
)
def test_on_a_terminal_a_long_text_is_folded_by_the_columns_that_its_letters_take(place, letter, most):
    (place / "orders.py").write_text(ORDERS)
    text = f"{letter * 60} {letter * 7} {letter * 7}"
    typed("run", "orders.py", "--run-id", "r1", "--param", f"text={text}", place=place)

    _, shown = on_terminal("runs", "show", "r1", place=place, COLUMNS="60", NO_COLOR="1")  # the first 12 hold names

    in_each_line = [line.count(letter) for line in ESCAPES.sub("", shown).splitlines()]
    assert (sum(in_each_line), max(in_each_line)) == (74, most)


def test_on_a_terminal_the_history_of_a_run_shows_a_reason_whole_and_a_long_error_in_part(place):
    (place / "orders.py").write_text(ORDERS.replace("out of reach", f"out of reach {'word ' * 500}"))
    typed("run", "orders.py", "--run-id", "r1", place=place)
    reason = "refunded by hand yesterday evening, ask Anna before you resume it"
    typed("runs", "cancel", "r1", "--reason", reason, place=place)

    _, shown = on_terminal("runs", "show", "r1", place=place, COLUMNS="80", NO_COLOR="1")

    history = ESCAPES.sub("", shown).partition("HAPPENED")[2].partition("FAILED AT")[0]
    assert f"because: {reason}" in " ".join(history.split())
    assert 10 < history.count("word") < 40


def test_on_a_narrow_terminal_a_table_says_which_columns_it_has_no_room_for(place):
    (place / "orders.py").write_text(ORDERS)
    typed("run", "orders.py", "--run-id", "r1", place=place)

    _, narrow = on_terminal("runs", "list", place=place, COLUMNS="50", NO_COLOR="1")
    _, wide = on_terminal("runs", "list", place=place, COLUMNS="100", NO_COLOR="1")

    heading, _, said = ESCAPES.sub("", narrow).splitlines()
    assert heading.split() == ["RUN", "WORKFLOW", "STATE", "STEP", "STARTED"]
    assert said.startswith("spine: no room for AT (UTC), LASTED: make the terminal wider, or pipe the table on")
    assert "LASTED" in wide
    assert "no room" not in wide


def test_a_step_that_forks_on_a_terminal_may_print_in_its_child(place):
    (place / "forks.py").write_text(
        "import os\n"
        "from spine.orchestration import Step, Workflow\n"
        "def fork(ctx, config):\n"
        "    for number in range(20):\n"
        "        child = os.fork()\n"
        "        if child == 0:\n"
        "            print(f'child {number}', flush=True)\n"
        "            os._exit(0)\n"
        "        os.waitpid(child, 0)\n"
        "    return {}\n"
        "forks = Workflow('forks', [Step.lambda_('fork', fork)])\n"
    )

    code, shown = on_terminal("run", "forks.py", place=place)

    assert code == 0
    assert all(f"child {number}" in shown for number in range(20))


def test_a_terminal_without_cursor_movement_gets_plain_lines(place):
    (place / "orders.py").write_text(ORDERS)

    code, shown = on_terminal("run", "orders.py", "--run-id", "r1", place=place, TERM="dumb")

    assert code == 1
    assert "1/4 extract completed" in shown
    assert "\x1b" not in shown
