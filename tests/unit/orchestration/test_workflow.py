"""A workflow is checked when it is made."""

from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest

import spine
from spine.errors import InvalidName, InvalidWorkflow, NotStorable, StepNotFound
from spine.orchestration.registry import Registry
from spine.orchestration.runner import WorkflowRunner
from spine.orchestration.workflow import Workflow
from spine.steps.step import Step


def step(name: str) -> Step:
    return Step.lambda_(name, lambda ctx, config: {})


def test_a_workflow_is_a_name_and_steps_in_order():
    made = Workflow(name="w", steps=(step(name) for name in "cab"))

    assert made.step_names == ("c", "a", "b")
    assert made.index_of("a") == 1
    assert [(each.name, each.kind) for each in made.definition().steps] == [(name, "lambda") for name in "cab"]
    with pytest.raises(StepNotFound, match="workflow 'w' has no step 'x'; its steps are: c, a, b"):
        made.index_of("x")
    with pytest.raises(FrozenInstanceError):
        made.name = "x"


def test_it_remembers_where_it_was_written():
    made = Workflow("w", [step("a")])

    assert made.source.startswith(f"{__file__}:")
    assert replace(made, name="copy").source.startswith(f"{__file__}:")


def test_a_workflow_without_a_name_says_how_to_give_one():
    with pytest.raises(InvalidWorkflow, match=r'needs a name: Workflow\(name="my.workflow"'):
        Workflow(steps=[step("a")])


@pytest.mark.parametrize("name", ["x" * 101, " a", "a\n", 5, ["a"], b"a"])
def test_its_name_is_checked(name):
    with pytest.raises(InvalidName, match="a workflow's name"):
        Workflow(name, [step("a")])


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([], "has no steps"),
        ((), "has no steps"),
        ("abc", "must be a list of Step"),
        ({"a": step("a")}, "must be a list of Step"),
        (None, "must be a list of Step"),
        (5, "must be a list of Step"),
        (step("a"), "must be a list of Step"),
        ([lambda ctx, config: {}], "lists a function"),
        ([step("a"), None], "lists a NoneType"),
        ([step("a"), step("b"), step("a")], "more than one step named 'a'"),
    ],
)
def test_its_steps_are_checked(steps, reason):
    with pytest.raises(InvalidWorkflow, match="'w'") as refused:
        Workflow("w", steps)

    assert reason in str(refused.value)


def test_names_that_differ_in_case_are_different_steps():
    assert Workflow("w", [step("a"), step("A")]).step_names == ("a", "A")


def test_its_defaults_are_checked_and_copied():
    given = {"rows": [1]}
    made = Workflow("w", [step("a")], defaults=given)
    given["rows"].append(2)

    assert dict(made.defaults) == {"rows": [1]}
    with pytest.raises(InvalidWorkflow, match="must be a mapping"):
        Workflow("w", [step("a")], defaults=[1])
    with pytest.raises(NotStorable, match=r"the defaults of workflow 'w'\.x"):
        Workflow("w", [step("a")], defaults={"x": object()})


def test_a_package_whose_name_begins_as_spines_is_somebody_elses(tmp_path, monkeypatch):
    package = Path(spine.__file__).parent.parent / "spine_flows" / "jobs.py"
    code = (
        "from spine.orchestration import Step, Workflow\n"
        "def broken(ctx, config):\n"
        "    raise ValueError('here')\n"
        "flow = Workflow('flow', [Step.lambda_('a', broken)])\n"
    )
    names = {}
    exec(compile(code, str(package), "exec"), names)

    runner = WorkflowRunner("memory://", registry=Registry())
    failed = runner.execute(names["flow"])

    assert names["flow"].source == f"{package}:4"
    assert f'File "{package}", line 3, in broken' in runner.list_events(failed.run_id)[-1].traceback
