"""What a run's params may be, and what a workflow's model makes of them."""

import math
from datetime import date

import pydantic
import pytest
from pydantic.alias_generators import to_camel

from spine.codec.limits import Limits
from spine.codec.secret import Secret
from spine.errors import InvalidParams, InvalidSetting, InvalidWorkflow, NotStorable
from spine.orchestration.params import checked
from spine.orchestration.registry import Registry
from spine.orchestration.runner import WorkflowRunner
from spine.orchestration.workflow import Workflow
from spine.steps.result import StepResult
from spine.steps.step import Step


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    day: date
    limit: int = 10
    rate: float = 0.5

    @pydantic.model_validator(mode="after")
    def fit(self):
        if self.limit < self.rate:
            raise ValueError("limit must be above rate")
        return self


def workflow(**fields) -> Workflow:
    return Workflow("w", [Step.lambda_("a", lambda ctx, config: {})], **fields)


def test_what_is_given_beats_the_defaults_and_the_rest_is_noted_as_defaulted():
    first = workflow(defaults={"x": 1, "y": 1}).first_params({"y": 2, "z": 2})

    assert dict(first.values) == {"x": 1, "y": 2, "z": 2}
    assert first.defaulted == {"x"}


def test_nobody_who_changes_a_default_changes_that_of_the_next_run():
    made = workflow(defaults={"rows": [1]})
    made.first_params({})

    made.defaults["rows"].append(2)

    assert dict(made.first_params({}).values) == {"rows": [1]}


@pytest.mark.parametrize("wrong", [[], [("a", 1)], "text", 5, {1}, object()])
def test_params_are_a_mapping(wrong):
    with pytest.raises(InvalidParams, match="must be a mapping"):
        workflow().first_params(wrong)
    with pytest.raises(InvalidParams, match="must be a mapping"):
        workflow().override({}, wrong)


@pytest.mark.parametrize("name", ["__resumed__", "__x", "__"])
def test_names_of_spines_own_are_refused(name):
    with pytest.raises(InvalidParams, match="Spine's own"):
        workflow().first_params({name: 1})
    with pytest.raises(InvalidParams, match="the defaults of workflow 'w'"):
        workflow(defaults={name: 1})


@pytest.mark.parametrize("name", [1, None, ("a",), b"a", 1.5])
def test_names_are_text(name):
    with pytest.raises(InvalidParams, match="must be text"):
        checked({name: 1}, "params")


@pytest.mark.parametrize("value", [{"password": Secret("PW")}, [Secret("PW")], {"a": [{"b": (Secret("PW"),)}]}])
def test_a_secret_is_a_param_by_itself_and_not_inside_one(value):
    says = r"db holds a secret, which no step would be told; make it a param of its own"

    with pytest.raises(InvalidParams, match=rf"params\.{says}"):
        workflow().first_params({"db": value})
    with pytest.raises(InvalidParams, match=rf"params_override\.{says}"):
        workflow().override({}, {"db": value})
    with pytest.raises(InvalidParams, match=rf"the params of step 'a'\.{says}"):
        Step.pipeline("a", "p", params={"db": value})


@pytest.mark.parametrize(
    "value",
    [Secret("PW"), {"$secret": "PW"}, '"$secret":', ['{"$secret":"PW"}'], {"a": {"$secret": 1}}, {'a"$secret': 1}],
)
def test_what_only_looks_like_one_is_taken(value):
    assert workflow().first_params({"db": value}).values == {"db": value}


def test_what_cannot_be_stored_is_refused_with_its_path():
    with pytest.raises(NotStorable) as refused:
        workflow().override({}, {"a": [1, {"b": 1j}]})

    assert refused.value.path == "params_override.a[1].b"


def test_all_params_together_have_a_limit():
    with pytest.raises(NotStorable, match="more than 1,000 bytes of JSON in all"):
        checked({"a": "x" * 600, "b": "x" * 600}, "params", Limits(max_bytes=1000))


def test_hard_values_are_kept():
    values = checked({"nan": math.nan, "tuple": (1,), "nul": "\0", "big": 10**30}, "params")

    assert math.isnan(values["nan"])
    assert (values["tuple"], values["nul"], values["big"]) == ((1,), "\0", 10**30)


def test_a_model_coerces_and_fills_in():
    first = workflow(params_model=Model).first_params({"day": "2026-01-10", "limit": "7"})

    assert dict(first.values) == {"day": date(2026, 1, 10), "limit": 7, "rate": 0.5}
    assert first.defaulted == {"rate"}


def test_a_model_names_every_bad_field():
    with pytest.raises(InvalidParams) as refused:
        workflow(params_model=Model).first_params({"day": "soon", "limit": "many", "colour": "red"})

    text = str(refused.value)
    assert text.startswith("workflow 'w' does not take these params: ")
    assert all(f"{name}: " in text for name in ("day", "limit", "colour"))


class Needy(pydantic.BaseModel):
    day: date


def test_a_param_that_the_model_does_not_know_is_named_beside_the_one_that_is_missing():
    with pytest.raises(InvalidParams, match="day: Field required; it takes no param 'dya'"):
        workflow(params_model=Needy).first_params({"dya": "2026-01-10"})


def test_a_rule_over_several_fields_is_said_too():
    with pytest.raises(InvalidParams, match="params: Value error, limit must be above rate"):
        workflow(params_model=Model).first_params({"day": "2026-01-10", "limit": 1, "rate": 2})


def test_an_override_is_judged_together_with_what_the_run_has():
    model = workflow(params_model=Model)
    params = {"day": date(2026, 1, 10), "limit": 7, "rate": 0.5, "noted_by_a_step": 1}

    assert dict(model.override(params, {"limit": "8"})) == {"limit": 8}
    assert dict(model.override(params, None)) == {}
    with pytest.raises(InvalidParams, match="limit must be above rate"):
        model.override(params, {"rate": 100})
    with pytest.raises(InvalidParams, match="colour: Extra inputs"):
        model.override(params, {"colour": "red"})


def test_defaults_are_part_of_what_the_model_judges():
    with pytest.raises(InvalidParams, match="day: Field required"):
        workflow(params_model=Model, defaults={"limit": 3}).first_params({})

    assert workflow(params_model=Model, defaults={"day": "2026-01-10"}).first_params(None).values["limit"] == 10


class LooksLikeOne:
    model_validate = model_dump = dict


def test_a_models_object_is_told_how_to_be_given():
    with pytest.raises(InvalidParams, match=r'a Model; give its \.model_dump\(mode="json"\)'):
        workflow(params_model=Model).first_params(Model(day="2026-01-10"))  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [dict, 5, "Model", object(), LooksLikeOne, Model(day="2026-01-10")])
def test_a_params_model_is_a_pydantic_model(wrong):
    with pytest.raises(InvalidWorkflow, match="must be a pydantic model class"):
        workflow(params_model=wrong)


class Spelled(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    from_: str = pydantic.Field(alias="from")
    until: str = pydantic.Field("z", validation_alias=pydantic.AliasChoices("to", pydantic.AliasPath("end", 0)))
    n: int = 1


def test_params_with_aliases_are_kept_and_overridden_by_the_names_of_their_fields():
    flow = workflow(params_model=Spelled)

    first = flow.first_params({"from": "a", "to": "y"})

    assert dict(first.values) == {"from_": "a", "until": "y", "n": 1}
    assert first.defaulted == {"n"}
    assert dict(flow.override(first.values, {"n": "2"})) == {"n": 2}
    assert dict(flow.override(first.values, {"from": "b"})) == {"from_": "b"}
    assert dict(flow.override(first.values, {"from_": "b", "to": "x"})) == {"from_": "b", "until": "x"}
    assert dict(flow.override(first.values, {"end": ["w"]})) == {"until": "w"}
    with pytest.raises(InvalidParams, match="form: Extra inputs"):
        flow.override(first.values, {"form": "b"})


def test_aliases_made_by_a_generator_are_aliases_too():
    class Camel(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(alias_generator=to_camel)

        batch_size: int

    flow = workflow(params_model=Camel)
    first = flow.first_params({"batchSize": 1}).values

    assert (
        dict(flow.override(first, {"batchSize": 2}))
        == dict(flow.override(first, {"batch_size": 2}))
        == {"batch_size": 2}
    )


def deep(levels: int) -> list:
    value: list = [(1,)]
    for _ in range(levels):
        value = [value]
    return value


def test_the_limits_of_the_runner_count_also_for_what_a_model_gives():
    class Tree(pydantic.BaseModel):
        tree: list

    first = workflow(params_model=Tree).first_params({"tree": deep(105)}, Limits(max_depth=120))

    assert first.values["tree"] == deep(105)


def test_a_step_of_a_resumed_run_may_give_back_all_its_params_and_a_secret_stays_one():
    def change(ctx, config):
        if not ctx.is_resumed:
            raise RuntimeError("first")
        return StepResult.ok(context_updates={**ctx.params, "day": 2})

    params = {"q": 1, "key": Secret("KEY"), "day": 1}
    with WorkflowRunner("memory://", registry=Registry(), secrets=lambda name: f"value of {name}") as runner:
        failed = runner.execute(Workflow("w", [Step.lambda_("a", change)]), params)
        runner.resume(failed.run_id).raise_for_status()

        assert dict(runner.get_run(failed.run_id).params) == {"q": 1, "key": Secret("KEY"), "day": 2}


@pytest.mark.parametrize("updates", [{"__resumed__": False}, {"__resumed__": 1}, {"__x": True}])
def test_a_step_may_not_change_what_is_spines_own(updates):
    def change(ctx, config):
        return StepResult.ok(context_updates=updates if ctx.is_resumed else 1 / 0)

    with WorkflowRunner("memory://", registry=Registry()) as runner:
        failed = runner.execute(Workflow("w", [Step.lambda_("a", change)]))
        again = runner.resume(failed.run_id)

        assert (again.status, again.error_type) == ("failed", "InvalidParams")


@pytest.mark.parametrize("url", ["memory://", "sqlite"])
def test_a_resume_is_held_to_the_limits_of_its_runner_and_to_no_other(url, tmp_path):
    def stop(ctx, config):
        return StepResult.ok({"n": 1 if ctx.is_resumed else 1 / 0})

    url = f"sqlite:///{tmp_path}/spine.db" if url == "sqlite" else url
    flow = Workflow("w", [Step.lambda_("big", lambda ctx, config: {"x": "x" * 17_000_000}), Step.lambda_("stop", stop)])
    with WorkflowRunner(url, registry=Registry(), max_depth=120, max_snapshot_bytes=40_000_000) as runner:
        failed = runner.execute(flow)
        again = runner.execute(flow, {"deep": deep(115)}, context=failed.context, start_from="stop")

        assert again.status == "completed"
        assert runner.get_run(failed.run_id).params["deep"] == deep(115)


class Login(pydantic.BaseModel):
    user: str
    password: Secret


class Job(pydantic.BaseModel):
    limit: int = 1
    token: Secret | None = None
    logins: list[Login] = []
    text: str = ""


class Account(pydantic.BaseModel):
    user: str = "etl"
    password: pydantic.SecretStr = pydantic.SecretStr("")


class Accounts(pydantic.BaseModel):
    all_: list[Account] = [Account()]
    key: pydantic.SecretBytes | None = None


@pytest.mark.parametrize(
    ("model", "params", "name"),
    [
        (Account, {"password": "geheim"}, "password"),
        (Account, {}, "password"),
        (Accounts, {}, "all_"),
        (Accounts, {"all_": [], "key": b"geheim"}, "key"),
    ],
)
def test_a_secret_of_pydantic_is_refused_and_never_stored_as_asterisks(model, params, name):
    workflow = Workflow("w", [Step.lambda_("a", lambda ctx, config: {})], params_model=model)

    with WorkflowRunner("memory://", registry=Registry()) as runner:
        with pytest.raises(InvalidParams, match=rf"params\.{name} is a secret of pydantic.* field as Secret"):
            runner.execute(workflow, params)
        assert runner.list_runs() == []


def test_a_model_that_has_a_secret_within_a_param_is_refused():
    login = {"user": "etl", "password": Secret("PASSWORD")}

    with pytest.raises(InvalidParams, match=r"params\.logins holds a secret, .* make it a param of its own"):
        workflow(params_model=Job).first_params({"logins": [login]})


def test_a_secret_that_the_model_does_not_expect_is_refused_with_what_to_do():
    with pytest.raises(InvalidParams, match="text: .*; declare the field as Secret"):
        workflow(params_model=Job).first_params({"text": Secret("TEXT")})
    with pytest.raises(InvalidParams, match=r"token: .* instance of Secret: .* --secret NAME=VARIABLE"):
        workflow(params_model=Job).first_params({"token": "plain"})


def test_an_override_that_the_model_does_not_know_is_refused_and_names_what_it_knows():
    known = workflow(params_model=Job)
    open_to_all = workflow(params_model=type("Open", (Job,), {"model_config": {"extra": "allow"}}))

    with pytest.raises(InvalidParams, match="takes no param 'limt'; its model has: limit, token, logins, text"):
        known.override({"limit": 1}, {"limt": 2})
    assert dict(open_to_all.override({"limit": 1}, {"limt": 2})) == {"limt": 2}


@pytest.mark.parametrize("name", ["max_depth", "max_snapshot_bytes"])
def test_a_limit_is_a_whole_number(name):
    with pytest.raises(InvalidSetting, match=f"{name} must be a whole number"):
        WorkflowRunner("memory://", **{name: 100.5 if name == "max_depth" else 2048.5})


def test_metadata_are_held_to_the_limits_of_the_runner():
    def nested(depth):
        return {} if depth == 0 else {"in": nested(depth - 1)}

    def run(depth, **limits):
        step = Step.lambda_("a", lambda ctx, config: StepResult.ok(metadata={"deep": nested(depth)}))
        return WorkflowRunner("memory://", registry=Registry(), **limits).execute(Workflow("w", [step]))

    assert run(30, max_depth=10).error_type == "NotStorable"
    assert run(110, max_depth=120).status == "completed"
