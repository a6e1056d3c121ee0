"""The commands of whoever looks after many runs: `spine recover`, `spine doctor`, and why something was done."""

import json
import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from spine.orchestration import WorkflowRunner
from tests.programs.forked import run_forked

WORKFLOW = """
import os, signal
from spine.orchestration import Step, Workflow

def load(ctx, config):
    if ctx.params["target"] == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if ctx.params["target"] == "stop":
        os.kill(os.getpid(), signal.SIGTERM)
    if ctx.params["target"] != "up":
        raise ConnectionError("the target is " + ctx.params["target"])
    return {"length": len(ctx.params["target"])}

etl = Workflow("etl", [Step.lambda_("read", lambda ctx, config: {}), Step.lambda_("load", load)])
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "etl.py").write_text(WORKFLOW)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPINE_LEASE_SECONDS", "0.5")
    return tmp_path


def spine(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run_forked("spine", *arguments)


def wait_until_crashed(run_id: str) -> None:
    with WorkflowRunner() as runner:
        while runner.get_run(run_id).state != "crashed":
            pass


def test_recover_resumes_what_crashed_and_says_when_nothing_did(folder: Path, monkeypatch: pytest.MonkeyPatch):
    spine("run", "etl.py", "--run-id", "night", "--secret", "target=TARGET")
    monkeypatch.setenv("TARGET", "crash")
    crashed = spine("resume", "night", "--app", "etl.py")
    wait_until_crashed("night")
    monkeypatch.setenv("TARGET", "up")

    recovered = spine("recover", "--app", "etl.py")
    nothing = spine("recover", "--app", "etl.py", "--json")

    assert crashed.returncode == -9
    assert (recovered.returncode, recovered.stdout) == (0, "run night of etl completed\n")
    assert (nothing.returncode, json.loads(nothing.stdout)) == (0, [])


def test_with_quiet_nothing_is_said_while_all_goes_well(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TARGET", "crash")
    spine("run", "etl.py", "--run-id", "night", "--secret", "target=TARGET")
    wait_until_crashed("night")
    monkeypatch.setenv("TARGET", "up")

    well = [
        spine("db", "upgrade", "-q"),
        spine("recover", "--app", "etl.py", "--quiet"),
        spine("recover", "--app", "etl.py", "--quiet"),
        spine("run", "etl.py", "--param", "target=up", "-q"),
        spine("-q", "retention", "run", "--days", "1"),
        spine("checkpoints", "delete", "night", "-q"),
        spine("db", "check", "-q"),
    ]
    ill = spine("run", "etl.py", "--run-id", "ill", "--param", "target=down", "-q")
    cancelled = spine("runs", "cancel", "ill", "-q")
    asked = spine("runs", "list", "-q")

    assert [(said.returncode, said.stdout, said.stderr) for said in well] == [(0, "", "")] * len(well)
    assert (ill.returncode, ill.stdout) == (1, "run ill of etl failed at load: ConnectionError: the target is down\n")
    assert ill.stderr == "spine: resume it with: spine resume ill --app etl.py\n"
    assert (cancelled.returncode, cancelled.stdout, cancelled.stderr) == (0, "", "")
    assert "night" in asked.stdout


def test_a_workflow_file_that_logs_on_the_root_makes_a_quiet_run_say_its_own_lines_alone(folder: Path):
    (folder / "logs.py").write_text(
        "import logging\n"
        "from spine.orchestration import Step, Workflow\n"
        "logging.basicConfig(level=logging.INFO, format='%(message)s')\n"
        "def load(ctx, config):\n"
        "    logging.getLogger('etl').info('loaded')\n"
        "    return {}\n"
        "workflow = Workflow('logs', [Step.lambda_('load', load)])\n"
    )

    said = spine("run", "logs.py", "-q")

    assert (said.returncode, said.stdout, said.stderr) == (0, "", "loaded\n")


def fill_the_disk_in_load(then: str = "pass") -> None:
    """Write full.py, whose step `load` lets no file grow any more."""
    Path("full.py").write_text(
        WORKFLOW.replace("import os, signal", "import resource").replace(
            'if ctx.params["target"] == "crash":\n        os.kill(os.getpid(), signal.SIGKILL)',
            f"resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n    {then}",
        )
    )


def test_a_run_whose_end_nobody_could_write_down_says_how_long_it_is_held(folder: Path):
    fill_the_disk_in_load()

    said = spine("run", "full.py", "--run-id", "night", "--param", "target=up", "-q")

    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.splitlines()[1:] == [
        "spine: the run is held until its lease runs out, which takes 500 ms at most",
        "spine: resume it with: spine resume night --app full.py",
    ]


def test_a_failure_that_nobody_could_write_down_is_told(folder: Path):
    fill_the_disk_in_load('raise ValueError("no such day")')

    said = spine("run", "full.py", "--run-id", "night", "--param", "target=up", "-q")

    assert said.returncode == 1
    assert "could not be read or written" in said.stderr.splitlines()[0]
    assert said.stderr.splitlines()[1] == "spine: step 'load' had failed: ValueError: no such day"


def test_a_run_that_cannot_be_recovered_is_told_once(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TARGET", "crash")
    spine("run", "etl.py", "--run-id", "night", "--secret", "target=TARGET")
    wait_until_crashed("night")
    Path("other.py").write_text(WORKFLOW.replace('"etl"', '"other"'))

    said = spine("recover", "--app", "other.py", "-q")

    assert said.returncode == 1
    assert said.stdout.startswith("run night of etl was not recovered: no workflow 'etl' is")
    assert said.stderr == ""


def test_recover_says_when_a_run_that_looks_driven_may_have_crashed(folder: Path):
    spine("run", "etl.py", "--run-id", "night", "--param", "target=down")
    with closing(sqlite3.connect(folder / "spine.db")) as connection, connection:
        connection.execute(
            "UPDATE core_workflow_runs SET status = 'running', holder = 'ann@here/1', expires_at = ?",
            ("2999-01-01 12:30:00.000000+00:00",),
        )

    said = spine("recover", "--app", "etl.py")
    other = spine("recover", "--app", "etl.py", "--workflow", "etl")

    assert (said.returncode, said.stdout) == (0, "")
    assert other.stderr.startswith("spine: no run of etl has crashed; 1 driven, the first lease ends at 12:30:00 UTC")
    assert said.stderr == "spine: no run has crashed; 1 driven, the first lease ends at 12:30:00 UTC unless renewed\n"


def test_recover_says_how_a_run_failed_again_and_how_to_resume_it(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TARGET", "crash")
    spine("run", "etl.py", "--run-id", "night", "--secret", "target=TARGET")
    wait_until_crashed("night")
    monkeypatch.setenv("TARGET", "down")

    recovered = spine("recover", "--app", "etl.py")

    assert recovered.returncode == 1
    assert recovered.stdout == "run night of etl failed at load: ConnectionError: the target is ***\n"
    assert recovered.stderr.endswith("spine: resume it with: spine resume night --app etl.py\n")


def test_what_a_step_says_of_commands_is_told_as_it_said_it(folder: Path, monkeypatch: pytest.MonkeyPatch):
    (folder / "etl.py").write_text(WORKFLOW.replace("the target is ", "do as it says: spine resume other "))
    monkeypatch.setenv("TARGET", "crash")
    spine("run", "etl.py", "--run-id", "night", "--secret", "target=TARGET")
    wait_until_crashed("night")
    monkeypatch.setenv("TARGET", "down")

    recovered = spine("recover", "--app", "etl.py", "--database-url", "sqlite:///spine.db")

    assert (
        recovered.stdout == "run night of etl failed at load: ConnectionError: do as it says: spine resume other ***\n"
    )


@pytest.mark.parametrize("form", ["text", "json"])
def test_recover_that_is_stopped_says_how_to_go_on_with_the_run_it_drove(
    folder: Path, monkeypatch: pytest.MonkeyPatch, form: str
):
    monkeypatch.setenv("TARGET", "crash")
    spine("run", "etl.py", "--run-id", "night", "--secret", "target=TARGET")
    wait_until_crashed("night")
    monkeypatch.setenv("TARGET", "stop")

    stopped = spine("recover", "--app", "etl.py", *(["--json"] if form == "json" else []))

    assert stopped.returncode == 143
    if form == "json":
        (told,) = json.loads(stopped.stdout)
        assert (told["run_id"], told["status"], told["error_step"]) == ("night", "failed", "load")
        assert told["resume_command"] == "spine resume night --app etl.py"
    else:
        assert stopped.stdout == "run night of etl failed at load: Interrupted: interrupted by SIGTERM\n"
    assert stopped.stderr.endswith("spine: resume it with: spine resume night --app etl.py\n")


def test_recover_offers_no_resume_that_would_be_refused(folder: Path):
    spine("run", "etl.py", "--run-id", "night", "--param", "target=crash")
    wait_until_crashed("night")
    (folder / "etl.py").write_text(WORKFLOW.replace('Step.lambda_("read"', 'Step.lambda_("fetch"'))

    refused = spine("recover", "--app", "etl.py")

    assert refused.returncode == 1
    assert "no longer begins with" in refused.stdout
    assert "resume it with" not in refused.stdout + refused.stderr


def test_recover_offers_no_resume_that_would_find_no_workflow(folder: Path):
    spine("run", "etl.py", "--run-id", "night", "--param", "target=crash")
    wait_until_crashed("night")

    unknown = spine("recover", "--json")
    said = spine("recover")

    assert unknown.returncode == said.returncode == 1
    assert "spine resume" not in said.stdout + said.stderr  # it would not find the workflow either
    (told,) = json.loads(unknown.stdout)
    assert (told["run_id"], told["status"], told["error_type"]) == ("night", None, "WorkflowNotFound")
    assert told["resume_command"] is None
    assert "no workflow 'etl' is registered" in told["error"]


def test_recover_refuses_the_name_of_a_workflow_that_never_ran(folder: Path):
    spine("run", "etl.py", "--param", "target=up")

    slip = spine("recover", "--app", "etl.py", "--workflow", "elt")
    known = [spine("recover", "--workflow", "etl"), spine("recover", "--app", "etl.py", "--workflow", "etl")]

    assert slip.returncode == 3
    assert "no workflow 'elt'" in slip.stderr
    assert [each.returncode for each in known] == [0, 0]


def test_doctor_says_what_is_wrong_and_what_to_do(
    folder: Path, empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
):
    spine("db", "upgrade", "--database-url", "sqlite:///fine.db")
    fine = spine("doctor", "--database-url", "sqlite:///fine.db", "--json")
    monkeypatch.setenv("SPINE_DATABASE_URL", empty_postgres_url)
    ill = spine("doctor")

    assert {each["subject"] for each in json.loads(fine.stdout)} >= {"database", "schema", "durability"}
    assert ill.returncode == 1
    assert "run: spine db upgrade" in ill.stdout


@pytest.mark.parametrize("how", [[], ["--json"]], ids=["for people", "for machines"])
def test_what_doctor_tells_to_type_leads_to_the_database_that_was_looked_at(
    folder: Path, empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch, how: list[str]
):
    (folder / "empty.db").touch()
    password = urlsplit(empty_postgres_url).password
    monkeypatch.setenv("PGPASSWORD", unquote(password))
    without_password = empty_postgres_url.replace(f":{password}@", "@")

    for url in ("sqlite:///empty.db", "sqlite:///no.db", without_password):
        said = spine("doctor", *how, "--database-url", url)
        told = " ".join(said.stdout.split())  # a long line is folded

        assert said.returncode == 1
        assert f"run: spine db upgrade --database-url {url}" in told
        assert told.count("spine db upgrade") == told.count(f"spine db upgrade --database-url {url}")


def test_the_history_of_a_run_says_why(folder: Path):
    spine("run", "etl.py", "--run-id", "night", "--param", "target=down", "--reason", "nightly")
    spine("resume", "night", "--app", "etl.py", "--param", "target=up", "--reason", "the target is back")
    spine("checkpoints", "delete", "night", "--reason", "room for more")

    shown = spine("runs", "show", "night").stdout

    for reason in ("nightly", "the target is back", "room for more"):
        assert re.search(f"because: {reason} *$", shown, re.MULTILINE)  # nothing else runs into it


SKIPS = """
from spine.orchestration import Step, StepResult, Workflow

flow = Workflow("skips", [
    Step.lambda_("fetch", lambda ctx, config: {}, checkpoint=True),
    Step.lambda_("holiday", lambda ctx, config: StepResult.skip("nothing to do")),
    Step.lambda_("report", lambda ctx, config: {}),
    Step.lambda_("archive", lambda ctx, config: StepResult.skip("nothing to do")),
])
"""


def test_a_step_that_was_skipped_after_the_last_checkpoint_is_shown_as_skipped(folder: Path):
    (folder / "skips.py").write_text(SKIPS)
    spine("run", "skips.py", "--run-id", "r1")

    steps = json.loads(spine("runs", "show", "r1", "--json").stdout)["steps"]

    assert [(step["name"], step["state"]) for step in steps] == [
        ("fetch", "done"),
        ("holiday", "skipped"),
        ("report", "done"),
        ("archive", "skipped"),
    ]
