"""How a registered function is called: by the names of its parameters."""

import functools

import pytest

from spine.errors import InvalidWorkflow
from spine.records.context import WorkflowContext
from spine.steps.context import StepContext
from spine.steps.kind import Call
from spine.steps.pipeline import adapt
from spine.steps.secrets import Secrets, from_environment


@pytest.fixture
def context() -> StepContext:
    known = WorkflowContext(run_id="1", workflow_name="w", params={"x": 1})
    return StepContext(Call(context=known, step_name="s", secrets=Secrets(from_environment)))


def positional_only(params, /):
    return params


def context_only(ctx, /):
    return ctx


def keyword_only(*, ctx, params):
    return ctx.run_id, params


def both_keyword(params, *, ctx):
    return ctx.run_id, params


class Callable:
    def __call__(self, params):
        return params

    def method(self, ctx):
        return ctx.run_id

    @classmethod
    def of_class(cls, params):
        return params

    @staticmethod
    def static(params):
        return params


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda params: params, {"x": 1}),
        (lambda _params: _params, {"x": 1}),
        (lambda _ctx, params: (_ctx.run_id, params), ("1", {"x": 1})),
        (lambda ctx: ctx.run_id, "1"),
        (lambda ctx, params: (ctx.run_id, params), ("1", {"x": 1})),
        (lambda params, ctx: (ctx.run_id, params), ("1", {"x": 1})),
        (lambda: "nothing", "nothing"),
        (lambda params, verbose=False: (params, verbose), ({"x": 1}, False)),
        (lambda params=None: params, {"x": 1}),
        (lambda ctx=None: ctx.run_id, "1"),
        (lambda *args, **kwargs: (args, kwargs), ((), {})),
        (lambda params, *args, **kwargs: (params, args, kwargs), ({"x": 1}, (), {})),
        (positional_only, {"x": 1}),
        (keyword_only, ("1", {"x": 1})),
        (both_keyword, ("1", {"x": 1})),
        (Callable(), {"x": 1}),
        (Callable().method, "1"),
        (Callable.of_class, {"x": 1}),
        (Callable.static, {"x": 1}),
        (functools.partial(lambda extra, params: (extra, params), "e"), ("e", {"x": 1})),
        (functools.partial(lambda params, extra: (extra, params), extra="e"), ("e", {"x": 1})),
    ],
)
def test_a_pipeline_is_called_by_the_names_of_its_parameters(function, expected, context):
    assert adapt("my.step", function)(context) == expected


def test_positional_only_ctx_gets_the_context(context):
    assert adapt("my.step", context_only)(context) is context


def test_params_come_as_a_plain_dict_of_the_steps_own(context):
    def greedy(params):
        params["x"] = 2
        return params

    assert adapt("my.step", greedy)(context) == {"x": 2}
    assert dict(context.params) == {"x": 1}


async def coroutine(params):
    return params


class Asynchronous:
    async def __call__(self, params):
        return params


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda day: day, "takes day; a pipeline takes params"),
        (lambda context: context, "takes context"),
        (lambda **params: params, "takes **params"),
        (lambda ctx, *params: params, "takes *params"),
        (lambda a, b: (a, b), "takes a, b"),
        (lambda ctx, params, other: None, "takes other"),
        (Asynchronous(), "is async"),
        (coroutine, "is async"),
        (dict, "does not say what it takes"),
        (5, "not an int"),
        ("my.step", "not a str"),
        (None, "not a NoneType"),
    ],
)
def test_other_functions_are_refused_when_they_are_registered(function, reason):
    with pytest.raises(InvalidWorkflow, match="'my.step'") as refused:
        adapt("my.step", function)

    assert reason in str(refused.value)
