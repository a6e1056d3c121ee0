"""What a run's params may be, and what a workflow's model makes of them."""

import math
from datetime import date

import pydantic
import pytest

from spine.codec.limits import Limits
from spine.errors import InvalidParams, InvalidWorkflow, NotStorable
from spine.orchestration.params import checked
from spine.orchestration.workflow import Workflow
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


@pytest.mark.parametrize("wrong", [dict, 5, "Model", object()])
def test_a_params_model_is_a_pydantic_model(wrong):
    with pytest.raises(InvalidWorkflow, match="must be a pydantic model class"):
        workflow(params_model=wrong)
