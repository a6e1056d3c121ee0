"""SQLite's files pulled away under a driver: the file, its write-ahead log, or the index of that."""

import json
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from spine.orchestration import (
    Registry,
    RunStatus,
    SchemaMissing,
    Step,
    StoreUnavailable,
    Workflow,
    WorkflowRunner,
)
from spine.stores.sql.own_connection import OwnConnection
from spine.stores.sql.prepared import InTransaction
from tests.acceptance.crash_driver import STEPS
from tests.acceptance.crashing import Scene
from tests.programs.forked import run_forked

CUT_OFF = "write-ahead log .*-wal was removed or replaced"


@pytest.fixture
def scene(sqlite_url: str, tmp_path: Path) -> Scene:
    return Scene(sqlite_url, tmp_path)


def beside(url: str, *suffixes: str) -> list[Path]:
    """Give the files that SQLite keeps beside its own."""
    return [Path(f"{url.removeprefix('sqlite:///')}{suffix}") for suffix in suffixes]


@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "replaced"])
def test_a_file_that_was_removed_or_replaced_under_a_runner_is_no_place_to_run(sqlite_url, ran, replaced):
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with WorkflowRunner(sqlite_url, registry=Registry()) as runner:
        kept = runner.execute(ran.workflow("a")).run_id
        away = path.rename(path.with_name("away.db"))
        if replaced:
            with WorkflowRunner(sqlite_url, registry=Registry()) as other:
                other.execute(ran.workflow("b"))
        ran.taken()

        with pytest.raises(StoreUnavailable, match="was removed or replaced since it was opened"):
            runner.execute(ran.workflow("a"))
        with pytest.raises(StoreUnavailable, match="Put the file back, or begin with a new runner"):
            runner.list_runs()
        assert ran.steps == []
        assert path.exists() is replaced
        if not replaced:
            away.replace(path)
            assert runner.get_run(kept).status == "completed"


def test_two_dots_after_a_link_lead_where_they_lead_everybody(tmp_path, ran):
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real" / "deep")

    with WorkflowRunner(f"sqlite:///{tmp_path}/link/../spine.db", registry=Registry()) as runner:
        runner.execute(ran.workflow("a"), run_id="r")

    assert (tmp_path / "real" / "spine.db").exists()
    assert not (tmp_path / "spine.db").exists()


@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "replaced"])
def test_no_step_is_done_in_a_file_that_was_removed_or_replaced_under_its_run(sqlite_url, replaced):
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    away = path.with_name("away.db")
    ran = []

    def first(ctx, config):
        ran.append("first")
        path.rename(away)
        if replaced:
            path.touch()
        return {}

    def second(ctx, config):
        ran.append("second")
        return {}

    workflow = Workflow("w", [Step.lambda_("first", first), Step.lambda_("second", second)])
    with (
        WorkflowRunner(sqlite_url) as runner,
        pytest.raises(StoreUnavailable, match="was removed or replaced since it was opened"),
    ):
        runner.execute(workflow, run_id="r")

    assert ran == ["first"]
    away.replace(path)
    with WorkflowRunner(sqlite_url) as runner:
        saved = [checkpoint.step_name for checkpoint in runner.list_checkpoints("r")]
        assert (runner.get_summary("r").status, saved) == ("running", [])


@pytest.mark.parametrize("how", ["removed", "replaced", "behind a link", "the log alone"])
def test_no_run_ends_well_on_a_log_that_was_removed_or_replaced_under_it(sqlite_url, ran, how):
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    gone = [path.with_name(f"{path.name}-wal")]
    if how != "the log alone":
        gone.append(path.with_name(f"{path.name}-shm"))
    if how == "behind a link":
        linked = path.with_name("link.db")
        linked.symlink_to(path)
        sqlite_url = f"sqlite:///{linked}"

    def lose_the_log(_ctx):
        for file in gone:
            file.unlink()
            if how == "replaced":
                file.touch()
        return {}

    with WorkflowRunner(sqlite_url, registry=Registry()) as runner:
        workflow = ran.workflow("a", ran.step("b", lose_the_log), "c")
        for act in (lambda: runner.execute(workflow, run_id="r"), runner.list_runs, lambda: runner.execute(workflow)):
            with pytest.raises(StoreUnavailable, match="write-ahead log .*-wal was removed or replaced"):
                act()
        with (
            WorkflowRunner(sqlite_url, registry=Registry()) as other,
            pytest.raises(StoreUnavailable, match="write-ahead log .*-wal was removed or replaced"),
        ):
            other.list_runs()
        (found,) = runner.examine()
        assert (found.subject, found.verdict) == ("database", "problem")
        assert "was removed or replaced" in found.seen

    assert ran.steps == (["a", "b", "c"] if how == "the log alone" else ["a", "b"])


def test_no_step_is_believed_that_was_written_while_the_log_went(sqlite_url, ran, monkeypatch):
    index = Path(f"{sqlite_url.removeprefix('sqlite:///')}-shm")
    run_in_transaction = InTransaction.run

    def run_and_lose_the_log(self, cursor, values):
        rows = run_in_transaction(self, cursor, values)
        index.unlink(missing_ok=True)
        return rows

    monkeypatch.setattr(InTransaction, "run", run_and_lose_the_log)
    with WorkflowRunner(sqlite_url) as runner, pytest.raises(StoreUnavailable, match="was removed or replaced"):
        runner.execute(ran.workflow("a", "b"))

    assert ran.steps == ["a"]


@pytest.mark.parametrize("pulled", [("-wal", "-shm"), ("-shm",)], ids=["log and index", "index"])
@pytest.mark.parametrize("place", ["inside b", "run.completed"])
@pytest.mark.parametrize("ends", ["goes on", "terminated"])
def test_what_others_commit_outlives_the_end_of_a_driver_that_is_cut_off(scene, ran, pulled, place, ends):
    with scene.paused("execute", place, lease_seconds=600) as process:
        for file in beside(scene.url, *pulled):
            file.unlink()
        with WorkflowRunner(scene.url, registry=Registry()) as other:
            assert other.execute(ran.workflow("a"), run_id="other").status is RunStatus.COMPLETED
        if ends == "terminated":
            process.send(signal.SIGTERM)
        if ends == "goes on" or place == "run.completed":  # no hook is interrupted
            process.go_on()
        process.ends()

    with WorkflowRunner(scene.url, registry=Registry()) as later:
        assert later.get_summary("other").status is RunStatus.COMPLETED
    with closing(sqlite3.connect(scene.url.removeprefix("sqlite:///"))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert scene.ran() == ("ab" if place == "inside b" else "abcd")


@pytest.mark.parametrize("pulled", [("-wal", "-shm"), ("-shm",)], ids=["log and index", "index"])
@pytest.mark.parametrize("is_closed", [False, True], ids=["beside it", "after it"])
def test_a_process_that_was_cut_off_opens_the_file_no_more(scene, ran, pulled, is_closed):
    seen = []

    def pull_and_open_again(_ctx):
        for file in beside(scene.url, *pulled):
            file.unlink()
        seen.append(run_elsewhere(scene))
        if not is_closed:
            require_refusal(scene.url)
        return {}

    workflow = ran.workflow("a", ran.step("b", pull_and_open_again), "c")
    with WorkflowRunner(scene.url, registry=Registry()) as runner, pytest.raises(StoreUnavailable, match=CUT_OFF):
        runner.execute(workflow, run_id="r")
    require_refusal(scene.url)
    seen.append(run_elsewhere(scene))

    assert seen == [["1"], ["1", "2"]]
    assert ran.steps == ["a", "b"]


def require_refusal(url: str) -> None:
    with WorkflowRunner(url, registry=Registry()) as another, pytest.raises(StoreUnavailable, match="this one too"):
        another.list_runs()


def run_elsewhere(scene: Scene) -> list[str]:
    """Complete one more run in a process of its own, and give all that a third process then sees as completed."""
    scene.run_id = f"{len(scene.lines()) // len(STEPS) + 1}"
    with scene.process("execute") as process:
        assert process.result()["status"] == "completed"
    shown = run_forked("spine", "runs", "list", "--json", "--status", "completed", "--database-url", scene.url)
    return [run["run_id"] for run in json.loads(shown.stdout)]


def test_a_restore_that_gives_the_folder_its_old_time_again_is_noticed(sqlite_url, tmp_path, ran):
    long_ago = (1_000_000_000_000_000_001,) * 2

    def restore(_ctx):
        for file in beside(sqlite_url, "-shm"):
            file.unlink()
        os.utime(tmp_path, ns=long_ago)
        return {}

    age = ran.step("a", lambda ctx: os.utime(tmp_path, ns=long_ago) or {})
    with WorkflowRunner(sqlite_url, registry=Registry()) as runner, pytest.raises(StoreUnavailable, match=CUT_OFF):
        runner.execute(ran.workflow(age, "b", ran.step("c", restore), "d"))

    assert ran.steps == ["a", "b", "c"]


@pytest.mark.parametrize("pulled", [("-wal", "-shm"), ("-shm",), ("-wal",)], ids=["log and index", "index", "log"])
def test_a_driver_that_is_cut_off_starts_nothing_more_whatever_it_saves(sqlite_url, ran, pulled):  # INV-23
    def pull(_ctx):
        for file in beside(sqlite_url, *pulled):
            file.unlink()
        return {}

    with WorkflowRunner(sqlite_url, registry=Registry(), checkpoint_strategy="key_steps") as runner:
        workflow = ran.workflow(ran.step("a", checkpoint=True), ran.step("b", pull), "c", "d")
        with pytest.raises(StoreUnavailable, match=CUT_OFF):
            runner.execute(workflow, run_id="r")

    assert ran.steps == ["a", "b"]


def test_a_connection_that_is_older_than_the_tables_knows_its_log_too(sqlite_url, ran):
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")

    def pull(_ctx):
        for file in beside(sqlite_url, "-wal", "-shm"):
            file.unlink()
        return {}

    with WorkflowRunner(sqlite_url, registry=Registry(), make_tables=False) as early:
        with pytest.raises(SchemaMissing):
            early.list_runs()
        with WorkflowRunner(sqlite_url, registry=Registry()) as other:
            other.execute(ran.workflow("a"))
        with pytest.raises(StoreUnavailable, match=CUT_OFF):
            early.execute(ran.workflow(ran.step("b", pull), "c"))

    assert ran.steps == ["a", "b"]


def test_no_step_is_done_in_a_folder_that_was_moved_under_its_run(tmp_path, ran):
    folder = tmp_path / "here"
    folder.mkdir()

    with WorkflowRunner(f"sqlite:///{folder}/spine.db", registry=Registry()) as runner:
        workflow = ran.workflow("a", ran.step("b", lambda ctx: {"now": str(folder.rename(tmp_path / "there"))}), "c")
        with pytest.raises(StoreUnavailable, match="was removed or replaced since it was opened"):
            runner.execute(workflow, run_id="r")

    assert ran.steps == ["a", "b"]


def test_a_second_change_in_a_folder_within_the_grain_of_its_time_is_noticed_too(sqlite_url, tmp_path):
    with WorkflowRunner(sqlite_url) as runner:
        runner.list_runs()  # which makes the tables
        with closing(sqlite3.connect(str(tmp_path / "spine.db"), factory=OwnConnection)) as connection:
            connection.execute("SELECT 1 FROM core_workflow_runs").fetchone()
            connection.note_log()
            (tmp_path / "just made").touch()
            moment = tmp_path.stat().st_mtime_ns
            connection.require_same_files()

            (tmp_path / "spine.db-shm").unlink()
            os.utime(tmp_path, ns=(moment, moment))
            with pytest.raises(StoreUnavailable, match=CUT_OFF):
                connection.require_same_files()


def test_what_sqlite_raises_over_a_log_that_went_is_not_told_as_damage(sqlite_url, ran, monkeypatch):
    def lose_the_log_and_fail(_self, _cursor, _values):
        for file in beside(sqlite_url, "-wal"):
            file.unlink(missing_ok=True)
        raise sqlite3.DatabaseError("database disk image is malformed")

    monkeypatch.setattr(InTransaction, "run", lose_the_log_and_fail)
    with WorkflowRunner(sqlite_url) as runner, pytest.raises(StoreUnavailable, match=CUT_OFF):
        runner.execute(ran.workflow("a", "b"))
