"""A relative database in an odd current folder: one whose name is no UTF-8, and one that is gone."""

import os

import pytest

from spine.orchestration import InvalidSetting, Registry, WorkflowRunner

NO_UTF8 = os.fsdecode(b"caf\xe9")


def test_a_folder_whose_name_is_no_utf8_can_have_a_database(tmp_path, monkeypatch, ran):
    (tmp_path / NO_UTF8).mkdir()
    monkeypatch.chdir(tmp_path / NO_UTF8)

    with WorkflowRunner("sqlite:///spine.db", registry=Registry()) as runner:
        done = runner.execute(ran.workflow("a"))

        assert runner.get_run(done.run_id).status == "completed"
        assert runner.location.endswith("/caf%5Cudce9/spine.db")


def test_a_folder_that_is_gone_is_told_and_matters_to_a_relative_name_alone(tmp_path, monkeypatch, ran):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    with pytest.raises(InvalidSetting, match="the current folder is gone"):
        WorkflowRunner("sqlite:///spine.db", registry=Registry())
    with WorkflowRunner(f"sqlite:///{tmp_path}/spine.db", registry=Registry()) as runner:
        assert runner.execute(ran.workflow("a")).status == "completed"
