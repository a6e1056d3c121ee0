"""A forked process begins anew before any thread of it does anything (INV-32)."""

from pathlib import Path

import pytest

from tests.programs.forked import run_forked

BEGIN = """
import gc, os, sys, threading, weakref
from sqlalchemy import event
from spine.orchestration import Step, Workflow, WorkflowRunner

def fork(act):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            print(*act(), flush=True)
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

def wait_for(ctx, config):
    begun.set()
    return {"forked": forked.wait(20)}

runner = WorkflowRunner(sys.argv[1])
workflow = Workflow("threads", [Step.lambda_("wait", wait_for)])
store, heartbeat = runner._store, runner._driver.heartbeat
begun, forked = threading.Event(), threading.Event()
"""
IDLE = """
runner.list_runs()
print(store._engine.pool.checkedin() > 0, flush=True)
fork(lambda: [store._engine.pool.checkedin()])
print(store._engine.pool.checkedin() > 0)
"""
BEATING = """
thread = threading.Thread(target=runner.execute, args=[workflow], kwargs={"run_id": "parents"})
thread.start()
begun.wait(20)
fork(lambda: [len(heartbeat._pulses), heartbeat._thread])
print(len(heartbeat._pulses), heartbeat._thread.is_alive())
forked.set()
thread.join(20)
print(runner.get_run("parents").status)
"""
LOOKING = """
def hold(*_statement):
    begun.set()
    forked.wait(20)

event.listen(store._engine, "before_cursor_execute", hold, once=True)
thread = threading.Thread(target=runner.list_runs)
thread.start()
begun.wait(20)
fork(lambda: [len(runner.list_runs())])
forked.set()
thread.join(20)
"""
MOVED = """
there = store.location
folder = os.path.join(os.getcwd(), "elsewhere")
os.mkdir(folder)
os.chdir(folder)
fork(lambda: [store.location == there, runner.execute(one, run_id='childs').status])
print(runner.get_run("childs").status, os.listdir(folder))
"""
CONNECTING = """
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg as Dialect
initialize = Dialect.initialize

def hold(self, connection):
    begun.set()
    forked.wait(20)
    return initialize(self, connection)

Dialect.initialize = hold
thread = threading.Thread(target=runner.list_runs)
thread.start()
begun.wait(20)

def look():
    forked.set()
    return [len(runner.list_runs())]

fork(look)
forked.set()
thread.join(20)
print(len(runner.list_runs()))
"""
WAITING = """
def hold():
    with heartbeat._changed:
        begun.set()
        forked.wait(20)

thread = threading.Thread(target=hold)
thread.start()
begun.wait(20)

def drive():
    forked.set()
    return [runner.execute(workflow, run_id="childs").status]

fork(drive)
forked.set()
thread.join(20)
"""
GONE = """
kept = [weakref.ref(each) for each in (store, heartbeat)]
runner.close()
del runner, store, heartbeat
gc.collect()
print([each() for each in kept])
"""


@pytest.fixture
def said(tmp_path: Path):
    def run(then: str, url: str) -> list[str]:
        script = tmp_path / "forking.py"
        script.write_text(BEGIN + then)
        done = run_forked(str(script), url, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


def test_no_thread_of_a_forked_process_finds_a_connection_of_its_parent(postgres_url: str, said):
    assert said(IDLE, postgres_url) == ["True", "0", "True"]


def test_a_forked_process_beats_for_no_run_of_its_parent(postgres_url: str, said):
    assert said(BEATING, postgres_url) == ["0 None", "1 True", "completed"]


def test_a_forked_process_waits_for_no_thread_of_its_parent_that_looked_at_the_tables(postgres_url: str, said):
    assert said(LOOKING, postgres_url) == ["0"]


def test_a_process_that_was_forked_while_its_parent_connected_connects_anew(postgres_url: str, said):
    assert said(CONNECTING, postgres_url) == ["0", "0"]


def test_a_forked_process_waits_for_no_thread_of_its_parent_that_held_the_heartbeat(postgres_url: str, said):
    assert said(WAITING, postgres_url) == ["completed"]


@pytest.mark.parametrize("used", [True, False], ids=["used", "not yet used"])
def test_a_forked_process_that_went_to_another_folder_finds_the_file_of_its_parent(said, used: bool):
    one = "one = Workflow('one', [Step.lambda_('a', lambda ctx, config: {})])\n"
    before = "runner.list_runs()\n" if used else ""

    assert said(one + before + MOVED, "sqlite:///relative.db") == ["True completed", "completed []"]


def test_nothing_is_kept_for_forks_to_come(sqlite_url: str, said):
    assert said(GONE, sqlite_url) == ["[None, None]"]
