"""Names to pipelines and workflows."""

import threading
from datetime import UTC, datetime

import pytest

from spine.errors import InvalidName, InvalidWorkflow, PipelineNotFound, WorkflowNotFound
from spine.orchestration.registry import DEFAULT_REGISTRY, Registry, pipeline
from spine.orchestration.workflow import Workflow
from spine.records.run import RunStatus, RunSummary
from spine.steps.step import Step


def load(params):
    return params


def workflow(name: str = "nightly") -> Workflow:
    return Workflow(name, [Step.lambda_("a", lambda ctx, config: {})])


def test_the_latest_registration_under_a_name_wins():
    registry = Registry()
    first, second = workflow(), workflow()

    registry.add_workflow(first)
    registry.add_workflow(second)
    registry.add_pipeline("my.step", lambda: "first")
    registry.add_pipeline("my.step", lambda: "second")

    assert registry.get_workflow("nightly") is second
    assert registry.get_pipeline("my.step")(None) == "second"
    assert registry.list_workflows() == [second]


def test_the_decorator_gives_the_function_back():
    registry = Registry()

    decorated = registry.pipeline("my.step")(load)

    assert decorated is load
    assert registry.get_pipeline("my.step")


def test_registries_know_nothing_of_each_other():
    pipeline("unit.registry.only_in_the_default_one")(load)

    assert DEFAULT_REGISTRY.get_pipeline("unit.registry.only_in_the_default_one")
    with pytest.raises(PipelineNotFound):
        Registry().get_pipeline("unit.registry.only_in_the_default_one")


def test_what_is_not_there_is_missed_with_a_guess_and_a_way_out():
    registry = Registry()
    registry.add_workflow(workflow("nightly"))
    registry.add_pipeline("my.load", load)

    with pytest.raises(PipelineNotFound, match=r"'my.lod'.*did you mean 'my.load'.*@pipeline\(\"my.lod\"\)"):
        registry.get_pipeline("my.lod")
    with pytest.raises(PipelineNotFound, match=r"step 'load': no pipeline 'x'"):
        registry.require_pipelines(Workflow("w", [Step.pipeline("load", "x")]))
    with pytest.raises(WorkflowNotFound, match=r"'nightley'.*did you mean 'nightly'.*--app.*runner\.register"):
        registry.get_workflow("nightley")


def test_a_run_says_where_its_workflow_was_defined():
    now = datetime(2026, 1, 10, tzinfo=UTC)
    run = RunSummary(
        run_id="1",
        workflow_name="gone",
        status=RunStatus.FAILED,
        definition=workflow().definition(),
        created_at=now,
        updated_at=now,
    )

    with pytest.raises(WorkflowNotFound, match=r"run '1' was defined in .*test_registry\.py:\d+"):
        Registry().get_workflow_of(run)


@pytest.mark.parametrize("name", ["", "a\0", 5, None, "x" * 101])
def test_names_are_checked(name):
    with pytest.raises(InvalidName):
        Registry().add_pipeline(name, load)


def test_a_decorator_whose_parentheses_were_forgotten_is_refused_at_once():
    with pytest.raises(InvalidName, match=r"as in @pipeline\('my\.step1'\), must be text, not a function"):

        @Registry().pipeline
        def step1(params):
            return params


@pytest.mark.parametrize("wrong", [None, "nightly", Workflow, []])
def test_only_workflows_are_registered_as_workflows(wrong):
    with pytest.raises(InvalidWorkflow):
        Registry().add_workflow(wrong)


def test_threads_may_register_at_once():
    registry = Registry()

    def register(start: int) -> None:
        for number in range(start, start + 50):
            registry.add_workflow(workflow(f"w{number:03}"))
            registry.list_workflows()

    threads = [threading.Thread(target=register, args=(50 * place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [each.name for each in registry.list_workflows()] == [f"w{number:03}" for number in range(200)]


def test_what_another_thread_registers_meanwhile_is_not_what_fills_it():
    registry = Registry()

    with registry.being_filled() as registered:
        registry.add_pipeline("mine", load)
        thread = threading.Thread(target=registry.add_pipeline, args=("theirs", load))
        thread.start()
        thread.join()

    assert [*registered] == ["mine"]
