"""`Workflow`: a named, ordered list of steps."""

import dataclasses
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from spine.codec.limits import DEFAULT_LIMITS, Limits
from spine.errors import InvalidWorkflow, StepNotFound, type_of
from spine.orchestration import params as run_params
from spine.records.names import check_name
from spine.records.run import Definition, StepDefinition
from spine.records.values import Values
from spine.steps.result import clipped, is_of_spine
from spine.steps.step import Step


@dataclass(frozen=True, slots=True)
class Workflow:
    """A named, ordered list of steps, checked when it is made (`InvalidWorkflow` says what is wrong).

    `defaults` are params that a caller may leave out; `params_model` is a pydantic model that params and overrides
    must satisfy before anything runs.
    """

    name: str = ""
    steps: Sequence[Step] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    params_model: type[Any] | None = field(default=None, kw_only=True)
    source: str = field(default="", init=False, compare=False)

    def __post_init__(self) -> None:
        if not self.name:
            raise InvalidWorkflow('a workflow needs a name: Workflow(name="my.workflow", steps=[...])')
        check_name(self.name, "a workflow's name")
        object.__setattr__(self, "steps", _checked_steps(self.name, self.steps))
        object.__setattr__(self, "defaults", _checked_defaults(self.name, self.defaults))
        if self.params_model is not None and not _is_model(self.params_model):
            raise InvalidWorkflow(f"the params_model of workflow {self.name!r} must be a pydantic model class")
        object.__setattr__(self, "source", _where_defined())

    @property
    def step_names(self) -> tuple[str, ...]:
        """The names of the steps, in order."""
        return tuple(step.name for step in self.steps)

    def index_of(self, step_name: str) -> int:
        """Find a step, counted from 0; raise `StepNotFound`, naming the steps there are."""
        if step_name not in self.step_names:
            raise StepNotFound(
                f"workflow {self.name!r} has no step {step_name!r}; its steps are: {', '.join(self.step_names)}"
            )
        return self.step_names.index(step_name)

    def first_params(self, given: Mapping[str, Any] | None, limits: Limits = DEFAULT_LIMITS) -> run_params.FirstParams:
        """Make the first params of a run from the defaults and what was given; raise `InvalidParams`."""
        return run_params.first_params(self.name, self.defaults, self.params_model, given, limits)

    def override(
        self, params: Mapping[str, Any], given: Mapping[str, Any] | None, limits: Limits = DEFAULT_LIMITS
    ) -> Values:
        """Check an override against the params of the run; raise `InvalidParams`."""
        return run_params.override(self.name, self.params_model, params, given, limits)

    def definition(
        self, defaulted: frozenset[str] = frozenset(), first_names: Mapping[str, str] = MappingProxyType({})
    ) -> Definition:
        """Give what a run remembers of this workflow; `first_names` are those of steps that were renamed.

        A step whose name is the first one of another that is here too is not that one: it gets a first name of its own.
        """
        steps = tuple(StepDefinition(name=step.name, kind=step.kind.name) for step in self.steps)
        return Definition(
            steps=steps, source=self.source, defaulted=defaulted, first_names=_told_apart(self.step_names, first_names)
        )


def _told_apart(names: Sequence[str], first_names: Mapping[str, str]) -> Mapping[str, str]:
    told = {name: first for name, first in first_names.items() if name in names}  # one that comes back later is new
    taken = set(told.values())
    for name in names:
        if name in taken and name not in told:
            first = f"another {name}"
            while first in {*names, *told.values()}:
                first = f"another {first}"
            told[name] = first
    return told


def _checked_steps(workflow: str, steps: Any) -> tuple[Step, ...]:
    if isinstance(steps, (str, Mapping)) or not hasattr(steps, "__iter__"):
        raise InvalidWorkflow(f"the steps of workflow {workflow!r} must be a list of Step")
    listed = tuple(steps)
    if not listed:
        raise InvalidWorkflow(f"workflow {workflow!r} has no steps")
    for step in listed:
        if not isinstance(step, Step):
            raise InvalidWorkflow(
                f"workflow {workflow!r} lists {type_of(step)}; make steps with Step.pipeline or Step.lambda_"
            )
    names = Counter(step.name for step in listed)
    twice = sorted(name for name, times in names.items() if times > 1)
    if twice:
        raise InvalidWorkflow(f"workflow {workflow!r} has more than one step named {', '.join(map(repr, twice))}")
    return listed


def _checked_defaults(workflow: str, defaults: Any) -> Values:
    if not isinstance(defaults, Mapping):
        raise InvalidWorkflow(f"the defaults of workflow {workflow!r} must be a mapping")
    return run_params.checked(defaults, f"the defaults of workflow {workflow!r}")


def _is_model(given: Any) -> bool:
    """Tell whether it is a pydantic model; who has none does not pay for the import of pydantic."""
    return isinstance(given, type) and hasattr(given, "model_validate") and hasattr(given, "model_fields")


def _where_defined() -> str:
    """Find the first frame outside Spine: where somebody wrote `Workflow(...)`."""
    frame = sys._getframe(1)  # noqa: SLF001  # no other way to ask for a caller cheaply
    while frame.f_back is not None and _is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return clipped(f"{frame.f_code.co_filename}:{frame.f_lineno}")


def _is_ours(filename: str) -> bool:
    return filename in ("<string>", dataclasses.__file__) or is_of_spine(filename)
