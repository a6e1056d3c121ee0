"""`spine run NAME`: a workflow that the app has, by its name."""

import pytest

from tests.acceptance.command import ORDERS, in_shell

COMPLETE = ("--param", "target=main")


@pytest.fixture
def jobs(place):
    """A module that is not named as its workflows are."""
    other = "\nreturns = Workflow('returns', [Step.lambda_('count', lambda ctx, config: {'n': 1})])\n"
    (place / "jobs.py").write_text(ORDERS + other)
    return "jobs"


def test_a_workflow_of_the_app_is_run_by_its_name(spine, jobs):
    assert spine("run", "returns", "--run-id", "r1", "--app", jobs).out.startswith("run r1 of returns completed")
    assert spine("run", "orders", "--run-id", "o1", "--app", jobs, *COMPLETE).out.startswith("run o1 of orders")


def test_the_resume_command_names_the_app_only_where_it_was_given(spine, jobs, place, monkeypatch):
    named = spine("run", "orders", "--run-id", "r1", "--app", jobs)
    monkeypatch.setenv("SPINE_APP", jobs)
    known = spine("run", "orders", "--run-id", "r2")

    assert named.resume_command == "spine resume r1 --app jobs"
    assert known.resume_command == "spine resume r2"
    assert in_shell(f"{named.resume_command} --param target=x", place=place).code == 0


def test_without_an_app_a_name_is_refused_with_what_it_needs(spine, jobs):
    said = spine("run", "orders")

    assert said.code == 2
    assert said.err.strip().endswith(
        "or install the package; to run a workflow by its name, say --app, or set SPINE_APP"
    )


def test_a_file_with_a_slip_in_its_name_is_asked_for_by_the_right_one(spine, jobs):
    assert spine("run", "job.py").err == "spine: job.py does not exist; did you mean jobs.py?\n"
    assert spine("run", "far/away.py").err == "spine: far/away.py does not exist\n"


def test_the_place_of_a_workflow_that_the_app_has_adds_nothing_to_the_app(spine, jobs):
    for place in (f"{jobs}:orders", f"{jobs}.py:orders"):
        assert spine("run", place, "--app", jobs).resume_command.endswith(" --app jobs")


def test_a_name_comes_before_a_module_and_after_a_file(spine, jobs, place, monkeypatch):
    monkeypatch.setenv("SPINE_APP", jobs)
    (place / "returns.py").write_text("raise RuntimeError('the module')\n")
    by_name = spine("run", "returns", "--run-id", "r1")
    (place / "returns").write_text("raise RuntimeError('the file')\n")
    by_file = spine("run", "returns", "--run-id", "r2")

    assert by_name.code == 0, by_name.err
    assert by_file.code == 2
    assert "the file" in by_file.err


def test_what_is_no_name_of_the_app_and_no_module_is_refused_with_the_names_there_are(spine, jobs, place, monkeypatch):
    monkeypatch.setenv("SPINE_APP", jobs)

    said = spine("run", "order")

    assert said.code == 2
    assert said.err.strip() == (
        f"spine: no module 'order' can be imported from {place}, and there is no such file; go to the folder that has "
        "'order' in it, put that folder into PYTHONPATH, or install the package; the app jobs has: orders, returns"
    )
    assert spine("run", "nine.py").err.strip() == "spine: nine.py does not exist; the app jobs has: orders, returns"
    assert spine("run", "my orders").err.strip().endswith("; the app jobs has: orders, returns")
    assert spine("run", "x" * 5000).err.strip().endswith("names no file and no module: File name too long")


def test_a_workflow_beside_the_one_that_the_app_names_is_added_to_the_app(spine, jobs, place, monkeypatch):
    monkeypatch.setenv("SPINE_APP", f"{jobs}:returns")

    failed = spine("run", f"{jobs}:orders", "--run-id", "r1")

    assert failed.resume_command == "spine resume r1 --app jobs:returns,jobs:orders"
    assert in_shell(f"{failed.resume_command} --param target=x", place=place).code == 0


def test_what_else_is_in_the_file_of_a_workflow_that_was_named_is_in_nobodys_way(spine, jobs, place):
    (place / "more.py").write_text((place / "jobs.py").read_text().replace("Workflow('returns'", "Workflow('other'"))

    said = spine("run", "more.py:other", "--run-id", "r1", "--app", f"{jobs}:orders")

    assert said.out.startswith("run r1 of other completed"), said.err


def test_a_workflow_of_the_same_name_as_the_one_that_the_app_names_is_refused(spine, jobs, place):
    with (place / "jobs.py").open("a") as file:
        file.write("old = Workflow('orders', [Step.lambda_('count', lambda ctx, config: {'n': 1})])\n")

    said = spine("run", f"{jobs}:orders", "--app", f"{jobs}:old")

    assert said.code == 2
    assert "two different workflows are named 'orders'" in said.err
