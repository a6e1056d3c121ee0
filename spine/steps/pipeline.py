"""The kind `pipeline`: a function registered under a dotted name, called as `fn(params)` or with a `ctx`."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from spine.errors import InvalidWorkflow, type_of
from spine.records.values import Values
from spine.steps.context import StepContext
from spine.steps.kind import Call
from spine.steps.result import StepResult

CONTEXT, PARAMS = "ctx", "params"
_ANY_NUMBER = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """Calls the pipeline of this name, with its own params beneath those of the run; it may return nothing."""

    name: ClassVar[str] = "pipeline"
    pipeline: str
    params: Values = field(default_factory=Values)

    def perform(self, call: Call) -> StepResult:
        """See `Kind`."""
        assert call.function is not None  # noqa: S101  # the executor looked it up
        context = StepContext(call, self.params)
        return StepResult.of(call.function(context), nothing_is_fine=True)


def adapt(name: str, function: Callable[..., Any]) -> Callable[[StepContext], Any]:
    """Make a pipeline callable with a context alone, by the names of its parameters.

    A parameter `ctx` gets the `StepContext`, one `params` gets the params as a dict; either may begin with `_`. Raise
    `InvalidWorkflow` for a function that takes anything else, or is asynchronous.
    """
    if not callable(function):
        raise InvalidWorkflow(f"pipeline {name!r} must be a function, not {type_of(function)}")
    refuse_async(f"pipeline {name!r}", function)
    wanted = [each for each in _parameters(name, function) if _is_wanted(each)]
    if strange := [str(each) for each in wanted if each.kind in _ANY_NUMBER or _meant(each) not in (CONTEXT, PARAMS)]:
        raise InvalidWorkflow(
            f"pipeline {name!r} takes {', '.join(strange)}; a pipeline takes params (all of them, as a dict), or ctx, "
            "or both, by these names"
        )

    def call(context: StepContext) -> Any:
        given = [context if _meant(each) == CONTEXT else dict(context.params) for each in wanted]
        keywords = {each.name: value for each, value in zip(wanted, given, strict=True) if _is_keyword(each)}
        return function(*given[: len(given) - len(keywords)], **keywords)

    return call


def refuse_async(what: str, function: Any) -> None:
    """Raise `InvalidWorkflow` for what would give a coroutine, and do nothing."""
    called = getattr(type(function), "__call__", None)  # noqa: B004  # of an object that is no function
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called):
        raise InvalidWorkflow(f"{what} is async; steps are plain functions, wrap it with asyncio.run")


def _parameters(name: str, function: Callable[..., Any]) -> Iterable[inspect.Parameter]:
    try:
        return inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        raise InvalidWorkflow(
            f"pipeline {name!r} does not say what it takes; wrap it in a function of params"
        ) from None


def _is_wanted(parameter: inspect.Parameter) -> bool:
    if parameter.kind in _ANY_NUMBER:
        return _meant(parameter) in (CONTEXT, PARAMS)  # which is no way to get them
    return parameter.default is inspect.Parameter.empty or _meant(parameter) in (CONTEXT, PARAMS)


def _meant(parameter: inspect.Parameter) -> str:
    return parameter.name.lstrip("_")


def _is_keyword(parameter: inspect.Parameter) -> bool:
    return parameter.kind is inspect.Parameter.KEYWORD_ONLY
