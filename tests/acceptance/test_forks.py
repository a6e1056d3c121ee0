"""Steps that fork harm no run (INV-32): a child that comes back from its step ends there."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.programs.forked import run_forked

DRIVER = """
import os, sys
from spine.orchestration import Step, Workflow, WorkflowRunner

def forks(ctx, config):
    child = os.fork()
    if child == 0:
        {child}
    _, status = os.waitpid(child, 0)
    return {{"child": os.waitstatus_to_exitcode(status)}}

steps = [Step.lambda_("forks", forks), Step.lambda_("after", lambda ctx, config: {{"pid": os.getpid()}})]
with WorkflowRunner(sys.argv[1]) as runner:
    result = runner.execute(Workflow("forking", steps), run_id="forked")
    events = [event.kind.value for event in runner.list_events("forked")]
print(result.status, result.context.outputs["forks"]["child"], result.context.outputs["after"]["pid"] == os.getpid())
print(*events)
"""

SHARER = """
import os, sys
from spine.orchestration import WorkflowRunner

with WorkflowRunner(sys.argv[1]) as runner:
    runner.list_runs()
    told, tell = os.pipe()
    if os.fork() == 0:
        runner.list_runs()
        os.write(tell, b"!")
        os.read(0, 1)  # until nobody can write there any more
        os._exit(0)
    os.read(told, 1)
    print("both", flush=True)
    os.read(0, 1)
"""
SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'spine'"


def test_a_forked_process_has_its_own_connection(postgres_url: str):
    processes = subprocess.Popen(
        [sys.executable, "-c", SHARER, postgres_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with processes, psycopg.connect(postgres_url) as connection:
        assert processes.stdout.readline() == "both\n"
        sessions = connection.execute(SESSIONS).fetchone()

    assert sessions == (2,)


@pytest.mark.parametrize(
    ("child", "code"),
    [("sys.exit(7)", 7), ("return {'child': 0}", 0), ("raise ValueError('in the child')", 1), ("os._exit(3)", 3)],
)
def test_a_child_that_a_step_forked_drives_nothing(database_url: str, tmp_path: Path, child: str, code: int):
    script = tmp_path / "driver.py"
    script.write_text(DRIVER.format(child=child))

    done = run_forked(str(script), database_url)

    assert done.stdout.splitlines() == [
        f"completed {code} True",
        "run.created run.started run.completed",
    ], done.stderr
