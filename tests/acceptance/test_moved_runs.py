"""The script of the database page that takes a run along from SQLite to PostgreSQL: one database drives it."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from spine.orchestration import EventKind, WorkflowRunner
from tests.acceptance.command import Said, environment, typed
from tests.acceptance.pages import ROOT, blocks_of
from tests.programs.forked import run_forked

OLD = "sqlite:///old.db"
BRIEF = "0.5"  # seconds of a lease
ORDERS = """
import os, signal, time
from pathlib import Path
from spine.orchestration import Step, Workflow

def perform(ctx, config):
    name = config["name"]
    with Path("log").open("a") as log:
        log.write(f"{name} {ctx.idempotency_key()}\\n")
    if Path(f"kills-{name}").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    if Path(f"fails-{name}").exists():
        raise ConnectionError("down")
    return {"name": name, "day": ctx.params["day"]}

orders = Workflow("orders", [Step.lambda_(name, perform, config={"name": name}) for name in ("a", "b", "c")])
"""


class Move:
    """A folder with the workflow and the script, an old database and the new one."""

    def __init__(self, folder: Path, new: str) -> None:
        self.folder, self.new = folder, new
        [script] = [block for block in blocks_of(ROOT / "docs/database.md") if block.value("file") == "move.py"]
        (folder / "move.py").write_text(script.text)
        (folder / "orders.py").write_text(ORDERS)

    def spine(self, *words: str, url: str) -> Said:
        return typed(*words, "--app", "orders.py", place=self.folder, SPINE_DATABASE_URL=url, SPINE_LEASE_SECONDS=BRIEF)

    def left(self, *accidents: str, start_from: str | None = None) -> None:
        """Leave the run `monday` in the old database, after what these files do to it; then there are none of them."""
        for name in accidents:
            (self.folder / name).touch()
        self.spine("run", "orders.py", "--run-id", "monday", "--param", "day=1", url=OLD)
        if start_from is not None:
            self.spine("resume", "monday", "--start-from", start_from, "--param", "day=2", url=OLD)
        for name in accidents:
            (self.folder / name).unlink()
        self.wait_until_crashed(OLD)

    def set_lease(self, until: str) -> None:
        with closing(sqlite3.connect(self.folder / "old.db")) as connection, connection:
            moment = "strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now', ?)"
            connection.execute(f"UPDATE core_workflow_runs SET expires_at = {moment}", [until])

    def wait_until_crashed(self, url: str) -> None:
        with WorkflowRunner(url) as runner:
            while runner.get_summary("monday").lease is not None:
                pass

    def typed(self, new: str | None = None) -> Said:
        """Type `python move.py monday OLD NEW`."""
        told = environment(SPINE_LEASE_SECONDS=BRIEF)
        done = run_forked("move.py", "monday", OLD, new or self.new, folder=self.folder, environment=told)
        return Said(code=done.returncode, out=done.stdout, err=done.stderr)

    def states(self, url: str) -> dict[str, str]:
        shown = self.spine("runs", "show", "monday", "--json", url=url).json
        return {"run": shown["state"]} | {step["name"]: step["state"] for step in shown["steps"]}

    @property
    def log(self) -> list[str]:
        """The steps that began, in order."""
        return [line.split()[0] for line in (self.folder / "log").read_text().splitlines()]

    def check_keys(self) -> None:
        """Each step had one key, wherever it ran."""
        assert len(set((self.folder / "log").read_text().splitlines())) == len(set(self.log))

    def check_that_the_old_database_drives_nothing(self) -> None:
        began = self.log
        recovered = self.spine("recover", url=OLD)
        resumed = self.spine("resume", "monday", url=OLD)

        assert (recovered.code, recovered.err) == (0, "spine: no run has crashed\n")
        assert resumed.code == 4
        assert "run 'monday' cannot go on: its checkpoints were deleted" in resumed.err
        assert self.log == began
        with WorkflowRunner(OLD) as runner:
            told = {event.kind: event.reason for event in runner.list_events("monday")}
        assert told[EventKind.RUN_CANCELLED].startswith("it goes on in postgresql://")
        assert told[EventKind.CHECKPOINTS_DELETED] == told[EventKind.RUN_CANCELLED]


@pytest.fixture
def move(place: Path, postgres_url: str) -> Move:
    return Move(place, postgres_url)


@pytest.mark.parametrize("accident", ["kills-b", "fails-b"])
def test_a_run_that_is_taken_along_goes_on_in_the_new_database_alone(move, accident):
    move.left(accident)

    said = move.typed()

    assert (said.code, said.out) == (0, "monday completed \n"), said.err
    assert move.log == ["a", "b", "b", "c"]
    assert move.states(move.new) == {"run": "completed", "a": "skipped", "b": "done", "c": "done"}
    with WorkflowRunner(move.new) as new:
        run = new.get_run("monday")
    assert run.context.outputs == {name: {"name": name, "day": 1} for name in "abc"}
    move.check_keys()
    move.check_that_the_old_database_drives_nothing()


def test_a_run_without_a_checkpoint_begins_anew(move):
    move.left("kills-a")

    assert move.typed().out == "monday completed \n"
    assert move.log == ["a", "a", "b", "c"]
    move.check_keys()
    move.check_that_the_old_database_drives_nothing()


def test_a_run_goes_on_where_its_last_resume_was_told(move):
    move.left("fails-b", "kills-c", start_from="c")

    assert move.typed().out == "monday completed \n"
    assert move.log == ["a", "b", "c", "c"]
    assert move.states(move.new) == {"run": "completed", "a": "skipped", "b": "skipped", "c": "done"}
    with WorkflowRunner(move.new) as new:
        assert new.get_run("monday").params["day"] == 2


def test_a_move_that_ends_before_the_new_database_has_the_run_leaves_it_to_a_repetition(move):
    move.left("kills-b")
    with WorkflowRunner(OLD) as old:  # as one that was killed right after this
        old.cancel("monday", reason="it goes on in postgresql://...")

    recovered = move.spine("recover", url=OLD)

    assert (recovered.code, recovered.err) == (0, "spine: no run has crashed\n")
    assert move.log == ["a", "b"]
    assert move.typed().out == "monday completed \n"
    assert move.log == ["a", "b", "b", "c"]
    assert move.spine("resume", "monday", url=OLD).code == 4


@pytest.mark.parametrize("new", ["postgresql://nobody@127.0.0.1:9/none?connect_timeout=1", OLD, "sqlite:///empty.db"])
def test_nothing_is_done_before_the_new_database_can_have_the_run(move, new):
    move.left("kills-b")
    before = move.states(OLD)

    refused = move.typed(new)

    assert refused.code == 1
    assert "Traceback" not in refused.err
    assert move.states(OLD) == before
    assert move.log == ["a", "b"]


def test_nothing_is_done_where_the_new_database_has_another_run_of_that_id(move):
    move.spine("run", "orders.py", "--run-id", "monday", "--param", "day=9", url=move.new)
    move.left("kills-b")

    refused = move.typed()

    assert refused.code == 1
    assert refused.err.endswith(" has a run monday of its own; nothing was done\n")
    assert move.states(OLD)["run"] == "crashed"
    with WorkflowRunner(move.new) as new:
        assert new.get_run("monday").params["day"] == 9


def test_a_run_goes_on_where_a_resume_would_after_the_workflow_was_repaired(move):
    move.left("fails-b")
    (move.folder / "orders.py").write_text(ORDERS.replace('("a", "b", "c")', '("a", "x", "c", "b")'))

    assert move.typed().out == "monday completed \n"
    assert move.log == ["a", "b", "x", "c", "b"]


def test_two_moves_at_once_are_one(move):
    move.left("fails-b")
    said: list[Said] = []

    threads = [threading.Thread(target=lambda: said.append(move.typed())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [(each.code, each.out) for each in said] == [(0, "monday completed \n")] * 2
    assert move.log == ["a", "b", "b", "c"]
    move.check_that_the_old_database_drives_nothing()


def test_a_move_that_ends_after_that_leaves_the_run_to_the_new_database(move):
    move.left("kills-b")
    (move.folder / "kills-c").touch()

    killed = move.typed()
    move.check_that_the_old_database_drives_nothing()
    (move.folder / "kills-c").unlink()
    move.wait_until_crashed(move.new)
    again = move.typed()
    recovered = move.spine("recover", url=move.new)

    assert killed.code == -9
    assert (again.code, again.out) == (0, "monday crashed \n")
    assert recovered.code == 0, recovered.err
    assert move.log == ["a", "b", "b", "c", "c"]
    move.check_keys()
    move.check_that_the_old_database_drives_nothing()


def test_a_run_that_is_held_and_one_whose_checkpoints_are_gone_are_left_alone(move):
    move.left("kills-b")
    move.set_lease("+60 seconds")

    held = move.typed()
    move.set_lease("-60 seconds")
    with WorkflowRunner(OLD) as old:
        old.delete_checkpoints("monday")
    gone = move.typed()

    assert (held.code, gone.code) == (1, 1)
    assert "run monday: run 'monday' has been driven by " in held.err
    assert "run monday: run 'monday' cannot go on: its checkpoints were deleted" in gone.err
    assert move.log == ["a", "b"]
