"""Steps that fork harm no run (INV-32): a child that comes back from its step ends there."""

import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from spine.orchestration import WorkflowRunner
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

IN_A_HOOK = """
import os, sys
from spine.orchestration import Step, Workflow, WorkflowRunner

class Forks:
    def on_event(self, event):
        if event.kind == "step.started" and (child := os.fork()):
            print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        elif event.kind == "step.started":
            {child}

class Told:
    def on_event(self, event):
        print(event.kind, flush=True)

with WorkflowRunner(sys.argv[1], hooks=[Forks(), Told()]) as runner:
    runner.execute(Workflow("hooked", [Step.lambda_("only", lambda ctx, config: {{}})]))
"""

DRIVING_CHILD = """
import os, signal, sys, time
from spine.orchestration import Step, Workflow, WorkflowRunner

def wait(ctx, config):
    os.write(tell, b"!")
    limit = time.monotonic() + 30
    while time.monotonic() < limit:
        pass  # a signal that comes just before a pause would not end it

def fork(ctx, config):
    child = os.fork()
    if child == 0:
        runner.execute(Workflow("inner", [Step.lambda_("wait", wait)]), run_id="inner")
    os.read(told, 1)
    os.kill(child, signal.SIGTERM)
    return {"child": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}

told, tell = os.pipe()
with WorkflowRunner(sys.argv[1]) as runner:
    print(runner.execute(Workflow("outer", [Step.lambda_("fork", fork)])).context.outputs["fork"]["child"])
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
POOL = """
import multiprocessing, sys, threading
from spine.orchestration import Step, StoreUnavailable, Workflow, WorkflowRunner

url = sys.argv[1]
context = multiprocessing.get_context("fork")
begun, closed = context.Semaphore(0), context.Event()

def wait(ctx, config):
    begun.release()
    closed.wait(20)
    return {{}}

def work(number):
    steps = [Step.lambda_(f"step{{place}}", wait if place == 2 else lambda ctx, config: {{}}) for place in range(5)]
    try:
        with WorkflowRunner(url) as own:
            return str(own.execute(Workflow("child", steps), run_id=f"child{{number}}").status)
    except StoreUnavailable as error:
        return str(error)

def fork(ctx, config):
    with context.Pool(1) as pool:
        return {{"said": pool.map(work, [9])}}

runner = WorkflowRunner(url)
runner.list_runs()
{then}
"""
BETWEEN_RUNS = """
with context.Pool(2) as pool:
    said = pool.map_async(work, [1, 2])
    begun.acquire(timeout=20), begun.acquire(timeout=20)
    runner.close()
    closed.set()
    print(*said.get(20))
"""
BY_ANOTHER_NAME = """
import os
path = url.removeprefix("sqlite:///")
link = path + ".link"
os.symlink(path, link)

def fork_behind_a_link(ctx, config):
    os.remove(link)
    said = fork(ctx, config)
    os.symlink(path, link)
    return said

with WorkflowRunner("sqlite:///" + link) as other:
    runner.close()
    other.list_runs()
    linked = Workflow("linked", [Step.lambda_("fork", fork_behind_a_link)])
    print(*other.execute(linked).context.outputs["fork"]["said"])
"""
IN_A_STEP = """
print(*runner.execute(Workflow("parent", [Step.lambda_("fork", fork)])).context.outputs["fork"]["said"])
print(*[run.workflow_name for run in runner.list_runs()])
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
    [
        ("sys.exit(7)", 7),
        ("return {'child': 0}", 0),
        ("raise ValueError('in the child')", 1),
        ("os._exit(3)", 3),
        ("sys.stdout = None; sys.exit(7)", 7),
        ("sys.stdout.close(); return {'child': 0}", 0),
    ],
)
def test_a_child_that_a_step_forked_drives_nothing(database_url: str, tmp_path: Path, child: str, code: int):
    script = tmp_path / "driver.py"
    script.write_text(DRIVER.format(child=child))

    done = run_forked(str(script), database_url)

    assert done.stdout.splitlines() == [
        f"completed {code} True",
        "run.created run.started run.completed",
    ], done.stderr


@pytest.mark.parametrize(
    ("child", "code"), [("sys.exit(7)", 7), ("return", 0), ("raise ValueError('in the child')", 1)]
)
def test_a_child_that_a_hook_forked_tells_no_other_hook(sqlite_url: str, tmp_path: Path, child: str, code: int):
    script = tmp_path / "hooked.py"
    script.write_text(IN_A_HOOK.format(child=child))

    said = run_forked(str(script), sqlite_url).stdout.splitlines()

    assert said == [
        "run.started",
        f"child {code}",
        "step.started",
        "checkpoint.saved",
        "step.completed",
        "run.completed",
    ]


def test_a_child_that_a_step_forked_is_interrupted_in_its_own_run(postgres_url: str, tmp_path: Path):
    script = tmp_path / "driving.py"
    script.write_text(DRIVING_CHILD)

    done = run_forked(str(script), postgres_url)

    assert done.stdout == f"{128 + signal.SIGTERM}\n", done.stderr
    with WorkflowRunner(postgres_url) as runner:
        inner = runner.get_summary("inner")
    assert (inner.status, inner.error_type, inner.lease) == ("failed", "Interrupted", None)


def test_processes_that_are_forked_between_runs_lose_nothing_when_their_parent_lets_go(
    database_url: str, tmp_path: Path
):
    script = tmp_path / "pool.py"
    script.write_text(POOL.format(then=BETWEEN_RUNS))

    done = run_forked(str(script), database_url)

    assert done.stdout == "completed completed\n", done.stderr
    with WorkflowRunner(database_url) as runner:
        runs = runner.list_runs(workflow="child")
        assert [run.status for run in runs] == ["completed"] * 2
        assert [len(runner.list_checkpoints(run.run_id)) for run in runs] == [5, 5]


def test_a_process_that_a_step_forked_is_kept_from_the_file_that_its_parent_has_open(sqlite_url: str, tmp_path: Path):
    script = tmp_path / "pool.py"
    script.write_text(POOL.format(then=IN_A_STEP))

    said, runs = run_forked(str(script), sqlite_url).stdout.splitlines()

    assert said.startswith("the process that forked this one had /")
    assert "multiprocessing.get_context('spawn')" in said
    assert runs == "parent"


def test_a_file_is_known_by_what_it_is_and_not_by_the_name_it_had(sqlite_url: str, tmp_path: Path):
    script = tmp_path / "pool.py"
    script.write_text(POOL.format(then=BY_ANOTHER_NAME))

    assert run_forked(str(script), sqlite_url).stdout.startswith("the process that forked this one had /")
