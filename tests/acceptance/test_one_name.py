"""A SQLite file under two names would have two write-ahead logs: it is refused before anything is read or written."""

import os
from pathlib import Path

import pytest

from spine.orchestration import Registry, StoreUnavailable, Verdict, WorkflowRunner
from spine.stores.sql import one_name


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with a run, in a folder with an awkward name."""
    folder = tmp_path / "with space\\and more"
    folder.mkdir()
    return folder / "spine.db"


def runner_of(path: Path) -> WorkflowRunner:
    return WorkflowRunner(f"sqlite:///{path}", registry=Registry())


def test_a_file_with_two_names_is_refused_by_both_until_it_has_one(path, ran):
    other = path.with_name("other.db")
    with runner_of(path) as runner:
        kept = runner.execute(ran.workflow("a")).run_id
    os.link(path, other)
    ran.taken()

    for name in (path, other):
        with runner_of(name) as runner:
            with pytest.raises(StoreUnavailable, match=r"has 2 names \(hard links\).*find / -xdev -samefile '"):
                runner.execute(ran.workflow("a"))
            (found,) = runner.examine()
            assert found.verdict is Verdict.PROBLEM
            assert "hard links" in found.seen
    assert ran.steps == []
    assert not list(path.parent.glob("*-wal"))

    other.unlink()
    with runner_of(path) as runner:
        assert runner.get_run(kept).status == "completed"


def test_a_copy_by_links_that_comes_and_goes_is_no_harm_to_who_has_the_file_open(path, ran):
    other = path.with_name("other.db")

    def link(ctx):
        os.link(path, other)
        assert runner.list_runs()[-1].run_id == ctx.run_id  # on another connection than the driver's
        with runner_of(other) as second, pytest.raises(StoreUnavailable, match="hard links"):
            second.list_runs()
        other.unlink()
        return {}

    with runner_of(path) as runner:
        assert runner.execute(ran.workflow(ran.step("a", link), "b")).status == "completed"


def test_a_file_that_is_mounted_without_its_folder_is_refused(path, tmp_path, monkeypatch):
    with runner_of(path) as runner:
        runner.list_runs()
    spelled = str(path).replace("\\", "\\134").replace(" ", "\\040")
    mounts = tmp_path / "mountinfo"
    monkeypatch.setattr(one_name, "_MOUNTS", mounts)

    for point, is_refused in ((str(path.parent), False), (f"{spelled}.old", False), (spelled, True)):
        mounts.write_text(f"22 1 254:1 / / rw - ext4 /dev/vda rw\n31 22 254:1 /home/spine.db {point} rw - ext4 x rw\n")
        with runner_of(path) as runner:
            if not is_refused:
                assert runner.list_runs() == []
                continue
            with pytest.raises(StoreUnavailable, match="mount the folder that the file is in"):
                runner.list_runs()


def test_where_nobody_says_what_is_mounted_nothing_is_refused(path, tmp_path, monkeypatch):
    monkeypatch.setattr(one_name, "_MOUNTS", tmp_path / "absent")

    with runner_of(path) as runner:
        assert runner.list_runs() == []
