"""`Registry`: names to pipelines and workflows, the only one of its kind."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from spine.errors import InvalidWorkflow, PipelineNotFound, WorkflowNotFound, alike, type_of
from spine.orchestration.workflow import Workflow
from spine.records.names import check_name
from spine.records.run import RunSummary
from spine.steps.context import StepContext
from spine.steps.pipeline import adapt

F = TypeVar("F", bound=Callable[..., Any])
MOST_TOLD = 20  # names, in an error


class Registry:
    """Names to pipelines and workflows; the latest registration under a name wins. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pipelines: dict[str, Callable[[StepContext], Any]] = {}
        self._workflows: dict[str, Workflow] = {}
        self._filled_by: int | None = None
        self._filled_with: dict[str, Callable[..., Any]] = {}

    @contextmanager
    def being_filled(self) -> Iterator[dict[str, Callable[..., Any]]]:
        """Refuse drives of this thread inside the block: it imports an app, and every command imports it again.

        Yield the pipelines that are registered meanwhile, by name.
        """
        before = self._filled_by, self._filled_with
        self._filled_by, self._filled_with = threading.get_ident(), {}
        try:
            yield self._filled_with
        finally:
            self._filled_by, self._filled_with = before

    def refuse_while_filling(self) -> None:
        """Raise `InvalidWorkflow` if a module drives a run while it is imported as an app, whatever its registry."""
        if self._filled_by == threading.get_ident():
            raise InvalidWorkflow(
                "it runs a workflow when it is imported, and so would every command; "
                "put that behind: if __name__ == '__main__'"
            )

    def pipeline(self, name: str) -> Callable[[F], F]:
        """Register the decorated function under a dotted name; the function itself is given back.

        Raise `InvalidName` for what is no name, such as the function itself where the parentheses were forgotten.
        """
        check_name(name, "a pipeline's name, as in @pipeline('my.step1'),")

        def register(function: F) -> F:
            self.add_pipeline(name, function)
            return function

        return register

    def add_pipeline(self, name: str, function: Callable[..., Any]) -> None:
        """Register a function that takes `params`, or `ctx`, or both; raise `InvalidWorkflow` for any other."""
        called = adapt(check_name(name, "a pipeline's name"), function)
        with self._lock:
            self._pipelines[name] = called
            if self._filled_by == threading.get_ident():
                self._filled_with[name] = function

    def add_workflow(self, workflow: Workflow) -> None:
        """Register a workflow under its name, so that its runs can be resumed by their ids alone."""
        if not isinstance(workflow, Workflow):
            raise InvalidWorkflow(f"only a Workflow can be run or registered, not {type_of(workflow)}")
        with self._lock:
            self._workflows[workflow.name] = workflow

    def get_pipeline(self, name: str) -> Callable[[StepContext], Any]:
        """Give the pipeline of this name, callable with a `StepContext`; raise `PipelineNotFound`."""
        found = self._pipelines.get(name)
        if found is None:
            raise PipelineNotFound(
                f"no pipeline {name!r} is registered{_near(name, self._pipelines)}; "
                f'register it with @pipeline("{name}") and import its module before running'
            )
        return found

    def require_pipelines(self, workflow: Workflow) -> None:
        """Raise `PipelineNotFound`, naming the step too, unless every pipeline of the workflow is there."""
        for step in workflow.steps:
            if step.kind.pipeline is not None:
                try:
                    self.get_pipeline(step.kind.pipeline)
                except PipelineNotFound as error:
                    raise PipelineNotFound(f"step {step.name!r}: {error}") from None

    def get_workflow(self, name: str) -> Workflow:
        """Give the workflow of this name; raise `WorkflowNotFound`."""
        found = self._workflows.get(name)
        if found is None:
            there = f" (there are: {', '.join(sorted(self._workflows)[:MOST_TOLD])})" if self._workflows else ""
            raise WorkflowNotFound(
                f"no workflow {name!r} is registered{_near(name, self._workflows)}{there}; "
                "at a shell name its module or file with --app (or SPINE_APP), in Python runner.register(workflow); "
                "if it has a new name, register one of the old name with the same steps"
            )
        return found

    def get_workflow_of(self, run: RunSummary) -> Workflow:
        """Give the workflow of a run; the error says where the run's was defined, as a hint and no more."""
        try:
            return self.get_workflow(run.workflow_name)
        except WorkflowNotFound as error:
            raise WorkflowNotFound(f"{error} (run {run.run_id!r} was defined in {run.definition.source})") from None

    def list_workflows(self) -> list[Workflow]:
        """List the workflows by name."""
        return [self._workflows[name] for name in sorted(self._workflows)]


DEFAULT_REGISTRY = Registry()


def pipeline(name: str) -> Callable[[F], F]:
    """Register the decorated function as a pipeline in the default registry: `@pipeline("my.step1")`.

    Raise `InvalidName` for what is no name.
    """
    return DEFAULT_REGISTRY.pipeline(name)


def _near(name: str, known: dict[str, Any]) -> str:
    near = alike(name, known, most=3)
    return f" (did you mean {', '.join(map(repr, near))}?)" if near else ""
