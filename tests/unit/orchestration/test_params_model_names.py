"""By which names the fields of a workflow's model are given: their own, their aliases, and paths."""

import pydantic
import pytest

from spine.errors import InvalidParams
from spine.orchestration.registry import Registry
from spine.orchestration.runner import WorkflowRunner
from spine.orchestration.workflow import Workflow
from spine.steps.step import Step


def stop(ctx, config):
    if not ctx.is_resumed:
        raise RuntimeError("stopped")
    return {}


STEPS = (Step.lambda_("look", stop),)


@pytest.fixture
def runner():
    with WorkflowRunner("memory://", registry=Registry()) as runner:
        yield runner


class Either(pydantic.BaseModel):
    first: str = pydantic.Field("none", validation_alias=pydantic.AliasChoices("from", "since"))
    n: int = 0


@pytest.mark.parametrize("name", ["first", "from", "since"])
def test_a_field_with_several_aliases_is_given_by_any_of_them_or_its_name(runner, name):
    flow = Workflow("either", STEPS, params_model=Either, defaults={"since": "default"})
    failed = runner.execute(flow, {name: "said"})

    assert failed.context.params["first"] == "said"
    assert runner.resume(failed.run_id, {name: "again"}).context.params["first"] == "again"


class Inner(pydantic.BaseModel):
    batch_size: int = pydantic.Field(10, alias="batchSize")


class Nested(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(serialize_by_alias=True)

    inner: Inner
    until: str = pydantic.Field("never", validation_alias=pydantic.AliasPath("range", "end"))
    api_url: str = pydantic.Field("http://localhost", alias="apiUrl")


@pytest.mark.parametrize("again", ["same", "dumped"])
def test_the_params_of_a_run_fit_another_also_where_models_lie_within(runner, again):
    flow = Workflow("nested", STEPS, params_model=Nested)
    given = {"inner": {"batchSize": 5}, "range": {"end": "noon"}, "apiUrl": "http://here"}
    params = runner.execute(flow, given).context.params
    assert params == {"inner": {"batch_size": 5}, "until": "noon", "api_url": "http://here"}

    given = dict(params) if again == "same" else Nested.model_validate(given).model_dump(mode="json", by_alias=False)

    assert runner.execute(flow, given).context.params == params


def test_an_override_by_alias_or_name_reaches_the_step_whatever_a_dump_of_the_model_says(runner):
    flow = Workflow("nested", STEPS, params_model=Nested)
    failed = runner.execute(flow, {"inner": {}})

    again = runner.resume(failed.run_id, {"apiUrl": "http://there", "inner": {"batchSize": "3"}})

    assert again.context.params["api_url"] == "http://there"
    assert again.context.params["inner"] == {"batch_size": 3}
    assert set(again.context.params) == {"inner", "until", "api_url"}


class Copy(pydantic.BaseModel):
    """One whose alias is the name of another, with a validator that reads aliases."""

    src: str = pydantic.Field(alias="from")
    dst: str = pydantic.Field(alias="src")
    region: str = pydantic.Field("eu", alias="Region")
    n: int = 1

    @pydantic.model_validator(mode="before")
    @classmethod
    def be_at_home(cls, given):
        return {"Region": "us", **given}

    @pydantic.computed_field
    @property
    def command(self) -> str:
        return f"copy {self.src} {self.dst} {self.region} {self.n}"


@pytest.mark.parametrize(
    ("override", "command"),
    [
        ({"n": 2}, "copy A B asia 2"),
        ({"from": "C"}, "copy C B asia 1"),
        ({"src": "C"}, "copy A C asia 1"),
        ({"dst": "C"}, "copy A C asia 1"),
    ],
)
def test_an_override_changes_the_field_it_means_where_an_alias_is_the_name_of_another(runner, override, command):
    flow = Workflow("copy", STEPS, params_model=Copy)
    failed = runner.execute(flow, {"from": "A", "src": "B", "Region": "asia"})

    again = runner.resume(failed.run_id, override).context.params

    assert again["command"] == command
    assert command.startswith(f"copy {again['src']} {again['dst']} {again['region']}")


class Reach(pydantic.BaseModel):
    x: int = pydantic.Field(1, validation_alias=pydantic.AliasPath("at", "x"))
    y: int = pydantic.Field(2, validation_alias=pydantic.AliasPath("at", "y"))


def test_a_path_means_the_field_that_it_leads_to_and_no_other(runner):
    flow = Workflow("reach", STEPS, params_model=Reach, defaults={"x": 10, "y": 20})
    failed = runner.execute(flow, {"at": {"x": 11}})
    assert failed.context.params == {"x": 11, "y": 20}

    assert runner.resume(failed.run_id, {"at": {"y": 21}}).context.params == {"x": 11, "y": 21}


class Span(pydantic.BaseModel):
    start: int = pydantic.Field(validation_alias=pydantic.AliasChoices("date", "start"))
    end: int = pydantic.Field(validation_alias=pydantic.AliasChoices("date", "end"))
    inner: Inner = Inner()

    @pydantic.computed_field
    @property
    def length(self) -> int:
        return self.end - self.start


@pytest.mark.parametrize(
    ("override", "changed"),
    [
        ({"end": 20}, {"end": 20, "length": 19}),
        ({"start": 0}, {"start": 0, "length": 9}),
        ({"date": 4}, {"start": 4, "end": 4, "length": 0}),
        ({"inner": {"batch_size": 3}}, {"inner": {"batch_size": 3}}),
        ({"inner": {"batchSize": 3}}, {"inner": {"batch_size": 3}}),
    ],
)
def test_an_override_by_a_name_of_one_field_leaves_those_that_share_its_aliases(override, changed):
    flow = Workflow("span", STEPS, params_model=Span)
    stored = flow.first_params({"start": 1, "end": 9}).values

    assert flow.override(stored, override) == changed


def test_params_by_the_names_of_fields_that_share_an_alias_make_another_run():
    flow = Workflow("span", STEPS, params_model=Span)
    stored = flow.first_params({"start": 1, "end": 9, "inner": {"batchSize": 3}}).values

    assert flow.first_params(dict(stored)).values == stored


class Member(pydantic.BaseModel):
    user: dict[str, int]
    user_id: int = pydantic.Field(0, validation_alias=pydantic.AliasPath("user", "id"))
    org_id: int = pydantic.Field(0, validation_alias=pydantic.AliasPath("org", "id"))


def test_an_override_of_what_a_path_leads_into_leaves_the_fields_of_other_paths():
    flow = Workflow("member", STEPS, params_model=Member)
    stored = flow.first_params({"user": {"id": 1}, "org": {"id": 5}}).values

    assert flow.override(stored, {"user": {"id": 2}}) == {"user": {"id": 2}, "user_id": 2}


class Batch(pydantic.BaseModel):
    batch: int = 10
    n: int = 1


class Renamed(pydantic.BaseModel):
    batch_size: int = pydantic.Field(validation_alias=pydantic.AliasChoices("batch_size", "batch"))
    n: int = 1

    @pydantic.computed_field
    @property
    def total(self) -> int:
        return self.batch_size * self.n


class RenamedAndOpen(Renamed):
    model_config = pydantic.ConfigDict(extra="allow")
    batch_size: int = pydantic.Field(10, validation_alias=pydantic.AliasChoices("batch", "batch_size"))


@pytest.mark.parametrize("now", [Renamed, RenamedAndOpen])
@pytest.mark.parametrize(
    ("override", "changed"),
    [
        ({"n": 2}, {"n": 2, "total": 10}),
        ({"batch_size": 7}, {"batch_size": 7, "total": 7}),
        ({"batch": 7}, {"batch_size": 7, "total": 7}),
    ],
)
def test_a_param_of_a_field_that_was_renamed_since_is_that_fields(now, override, changed):
    stored = Workflow("batch", STEPS, params_model=Batch).first_params({"batch": 5}).values

    assert Workflow("batch", STEPS, params_model=now).override(stored, override) == changed


@pytest.mark.parametrize("verb", ["first_params", "override"])
def test_a_field_that_is_given_by_two_names_is_refused(verb):
    flow = Workflow("either", STEPS, params_model=Either)
    stored = flow.first_params({"since": "start"}).values
    twice = {"from": "a", "first": "b"}

    with pytest.raises(InvalidParams, match="given 'first' by several names; say one of from, first"):
        flow.first_params(twice) if verb == "first_params" else flow.override(stored, twice)


class Named(pydantic.BaseModel):
    display: str = pydantic.Field("", validation_alias=pydantic.AliasChoices("display", "name"))
    name: str = ""


def test_what_a_caller_gives_to_two_fields_is_a_default_of_neither():
    flow = Workflow("named", STEPS, params_model=Named)

    first = flow.first_params({"name": "caller"})

    assert first.values == {"display": "caller", "name": "caller"}
    assert first.defaulted == frozenset()
