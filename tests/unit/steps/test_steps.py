"""What a step may be made of, and what it is given when it is performed."""

import copy

import pytest

from spine.errors import InvalidName, InvalidWorkflow, NotStorable
from spine.records.context import WorkflowContext
from spine.records.values import Values
from spine.steps.context import StepContext
from spine.steps.kind import Call
from spine.steps.secrets import Secrets, from_environment
from spine.steps.step import Step


def call(params=None, *, resumed=False, defaulted=(), step="s", run_id="1") -> Call:
    context = WorkflowContext(run_id=run_id, workflow_name="w", params=params or {}, defaulted=frozenset(defaulted))
    return Call(context=context, step_name=step, secrets=Secrets(from_environment), is_resumed=resumed)


def nothing(ctx, config):
    return {}


async def asynchronous(ctx, config):
    return {}


@pytest.mark.parametrize("name", ["", "x" * 101, " a", "a ", "a\nb", "a\0", "\ud800", 5, None, b"a", ["a"]])
def test_a_steps_name_is_checked(name):
    with pytest.raises(InvalidName, match="a step's name"):
        Step.lambda_(name, nothing)
    with pytest.raises(InvalidName):
        Step.pipeline("a", name)


@pytest.mark.parametrize("name", ["x" * 100, "é" * 100, "a b", "'; DROP TABLE x; --", "../../etc", "<b>", "%s", "A"])
def test_a_name_is_just_text(name):
    assert Step.lambda_(name, nothing).name == name
    assert Step.pipeline(name, name).kind.pipeline == name


@pytest.mark.parametrize("fn", [None, 5, "nothing", asynchronous])
def test_a_lambda_needs_a_plain_function(fn):
    with pytest.raises(InvalidWorkflow, match="'a'"):
        Step.lambda_("a", fn)


@pytest.mark.parametrize("wrong", [[], "text", 5])
def test_config_and_params_are_mappings(wrong):
    with pytest.raises(InvalidWorkflow, match="config of step 'a' must be a mapping"):
        Step.lambda_("a", nothing, config=wrong or [1])
    with pytest.raises(InvalidWorkflow, match="params of step 'a' must be a mapping"):
        Step.pipeline("a", "p", params=wrong or [1])


def test_a_step_has_no_param_of_spines_own():
    with pytest.raises(InvalidWorkflow, match="step 'a': params that begin with __ are Spine's own: '__resumed__'"):
        Step.pipeline("a", "p", params={"__resumed__": True})


def test_what_cannot_be_copied_or_stored_is_refused_with_the_step():
    with pytest.raises(InvalidWorkflow, match="config of step 'a' cannot be copied"):
        Step.lambda_("a", nothing, config={"file": (n for n in "ab")})
    with pytest.raises(NotStorable, match=r"the params of step 'a'\.x"):
        Step.pipeline("a", "p", params={"x": object()})


def test_a_step_made_of_a_function_by_itself_is_told_how_it_is_made():
    with pytest.raises(InvalidWorkflow, match="step 'a' needs a kind, not a function; make it with Step.lambda_ or"):
        Step("a", nothing)


@pytest.mark.parametrize("checkpoint", ["yes", 2, [], "False", 1, 0.0])
def test_checkpoint_is_true_false_or_none(checkpoint):
    with pytest.raises(InvalidWorkflow, match="step 'a' needs a kind, not an int; make it with Step.lambda_ or"):
        Step(name="a", kind=3)  # type: ignore[arg-type]
    with pytest.raises(InvalidWorkflow, match="checkpoint must be True, False or None"):
        Step.lambda_("a", nothing, checkpoint=checkpoint)


def test_each_call_gets_its_own_copy_of_the_config():
    seen = []

    def greedy(ctx, config):
        seen.append(copy.deepcopy(config))
        config["list"].append(1)
        return {}

    given = {"list": []}
    step = Step.lambda_("a", greedy, config=given)
    given["list"].append("later")
    step.kind.perform(call())
    step.kind.perform(call())

    assert seen == [{"list": []}, {"list": []}]


def test_a_param_that_is_not_there_is_called_one():
    with pytest.raises(KeyError) as missing:
        StepContext(call({"day": 1})).params["date"]

    assert missing.value.args == ("no param 'date'; there are: day",)


def test_a_steps_own_params_stand_between_the_defaults_and_the_runs_params():
    given = call({"default": 0, "said": 0, "other": 0}, defaulted=["default"])
    own = Values.of({"default": 1, "said": 1, "own": 1}, at="x")

    assert dict(StepContext(given, own).params) == {"default": 1, "said": 0, "other": 0, "own": 1}


def test_resumed_is_a_param_of_the_step_and_not_of_the_run():
    resumed = StepContext(call({"x": 1}, resumed=True))

    assert dict(resumed.params) == {"x": 1, "__resumed__": True}
    assert resumed.is_resumed
    assert dict(resumed.plain().params) == {"x": 1}
    assert dict(resumed.with_params({"y": 2}).params) == {"x": 1, "y": 2}
    assert type(resumed.with_params({})) is WorkflowContext
    assert "__resumed__" not in StepContext(call()).params


def test_an_idempotency_key_depends_on_run_step_and_parts_alone():
    def key(*parts, **where):
        return StepContext(call(**where)).idempotency_key(*parts)

    keys = [
        key(),
        key("order", 1),
        key("order", "1"),
        key("order", 1, step="t"),
        key("order", 1, run_id="2"),
        key(("order", 1)),
        key(frozenset({"b", "a"})),
    ]

    assert len(set(keys)) == len(keys)
    assert all(len(each) == 32 and int(each, 16) >= 0 for each in keys)
    assert key("order", 1) == key("order", 1, resumed=True, params={"x": 1})
    assert key("order", 1) == "58c46dd84035dbd53e25d5715814969e"  # the same on every machine and in every version


def test_a_key_cannot_be_made_of_what_has_no_exact_form():
    with pytest.raises(NotStorable, match=r"idempotency_key\[2\]"):
        StepContext(call()).idempotency_key(object())


@pytest.mark.parametrize("fn", [lambda ctx: {}, lambda ctx, config, more: {}, lambda *, ctx, config: {}])
def test_a_function_that_cannot_be_called_with_a_context_and_a_config_is_refused_at_once(fn):
    with pytest.raises(InvalidWorkflow, match=r"step 'a' is called as fn\(ctx, config\), and its function takes \("):
        Step.lambda_("a", fn)


@pytest.mark.parametrize("fn", [lambda *both: {}, lambda ctx, config, more=1: {}, dict, max])
def test_a_function_that_may_be_called_so_is_taken(fn):
    assert Step.lambda_("a", fn).name == "a"


@pytest.mark.parametrize("name", ["params", "run_id", "found"])
def test_what_a_step_sets_on_its_context_is_refused_with_the_other_way(name):
    with pytest.raises(AttributeError, match=f"ctx.{name} cannot be set; a step gives back"):
        setattr(StepContext(call()), name, {})


def test_a_context_that_a_step_adds_an_output_to_has_the_params_of_the_run_alone():
    context = StepContext(call({"x": 1}, resumed=True), Values.of({"own": 2}, at="params"))

    known = context.with_output("a", {"n": 3})

    assert type(known) is WorkflowContext
    assert (dict(known.params), dict(known.outputs)) == ({"x": 1}, {"a": {"n": 3}})
