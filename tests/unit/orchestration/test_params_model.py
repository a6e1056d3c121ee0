"""What a workflow's model makes of params as a whole: at the start, in an override, in a context from elsewhere."""

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Literal

import pydantic
import pytest

from spine.codec.secret import Secret
from spine.errors import InvalidParams
from spine.orchestration.registry import Registry
from spine.orchestration.runner import WorkflowRunner
from spine.orchestration.workflow import Workflow
from spine.records.context import WorkflowContext
from spine.steps.result import StepResult
from spine.steps.step import Step


class Window(pydantic.BaseModel):
    """One whose parts depend on one another."""

    model_config = pydantic.ConfigDict(extra="forbid")

    first: date = pydantic.Field(alias="from")
    last: date = date(2026, 1, 31)
    folder: Path = Path("report")
    out: Path | None = None
    token: Secret | None = None

    @pydantic.model_validator(mode="after")
    def put_in_order(self):
        self.first, self.last = sorted((self.first, self.last))
        self.out = self.out or self.folder / "out.csv"
        return self

    @pydantic.computed_field
    @property
    def days(self) -> int:
        return (self.last - self.first + timedelta(days=1)).days


def stop(ctx, config):
    if not ctx.is_resumed:
        raise RuntimeError("stopped")
    return {}


FLOW = Workflow("windowed", [Step.lambda_("look", stop)], params_model=Window)
START = {"from": "2026-01-11", "token": Secret("TOKEN")}


@pytest.fixture
def runner():
    with WorkflowRunner("memory://", registry=Registry()) as runner:
        yield runner


def test_what_an_override_makes_of_the_other_params_is_kept_too(runner):
    failed = runner.execute(FLOW, START)

    again = runner.resume(failed.run_id, {"from": "2026-02-10", "folder": "."})

    assert dict(again.context.params) == {
        "first": date(2026, 1, 31),
        "last": date(2026, 2, 10),
        "days": 11,
        "folder": ".",
        "out": "report/out.csv",  # which the run had, and the model leaves
        "token": Secret("TOKEN"),
    }
    assert runner.get_run(failed.run_id).params == again.context.params


def test_an_override_says_nothing_of_what_it_leaves_as_it_was(runner):
    failed = runner.execute(FLOW, START)
    runner.resume(failed.run_id, {"out": "x.csv"})

    assert runner.list_events(failed.run_id)[-2].fields["params_override"] == {"out": "x.csv"}


def test_the_params_of_a_run_are_those_of_another_with_names_aliases_and_what_is_computed(runner):
    failed = runner.execute(FLOW, START)

    same = runner.execute(FLOW, failed.context.params)

    assert same.context.params == failed.context.params


def test_a_context_is_taken_as_it_is(runner):
    context = WorkflowContext(run_id="made", workflow_name="windowed", params={"first": "soon", "mine": 1})

    assert dict(runner.execute(FLOW, context=context).context.params) == {"first": "soon", "mine": 1}


class Shop(pydantic.BaseModel):
    """One whose validators change what they are given each time, or do not see defaults."""

    model_config = pydantic.ConfigDict(extra="allow")

    name: str = pydantic.Field(alias="title")
    title: str = pydantic.Field("Mr", alias="salutation")
    country: str = "nl"
    price: float = 1.0
    others: int = 0
    n: int = 0

    @pydantic.field_validator("country")
    @classmethod
    def spell(cls, country):
        return country.upper()

    @pydantic.field_validator("price")
    @classmethod
    def tax(cls, price):
        return price * 2

    @pydantic.model_validator(mode="after")
    def count(self):
        self.others = len(self.model_extra or {})
        return self


SHOP = Workflow("shop", [Step.lambda_("look", stop)], params_model=Shop)


@pytest.mark.parametrize("verb", ["override", "context"])
def test_what_nobody_touched_stays_as_it_was_whatever_a_second_judgement_makes_of_it(runner, verb):
    failed = runner.execute(SHOP, {"title": "Bob", "price": 1, "kept": True})
    before = {"name": "Bob", "title": "Mr", "country": "nl", "price": 2.0, "others": 1, "n": 0, "kept": True}
    assert dict(failed.context.params) == before

    if verb == "override":
        again = runner.resume(failed.run_id, {"n": 5})
    else:
        again = runner.execute(SHOP, {"n": 5}, context=failed.context)

    assert dict(again.context.params) == {**before, "n": 5}


def test_the_default_of_a_workflow_and_what_a_caller_says_may_be_spelled_in_two_ways(runner):
    flow = Workflow("shop", SHOP.steps, params_model=Shop, defaults={"title": "default"})

    assert runner.execute(flow, {"name": "said"}).context.params["name"] == "said"


class Rate(pydantic.BaseModel):
    total: int = 1
    parts: int = 1
    note: str = ""

    @pydantic.computed_field
    @property
    def share(self) -> float:
        return self.total / self.parts


def test_an_override_that_repairs_what_a_step_broke_is_taken(runner):
    def spoil(ctx, config):
        return StepResult.ok(context_updates={"parts": 0})

    flow = Workflow("rated", [Step.lambda_("spoil", spoil), *SHOP.steps], params_model=Rate)
    failed = runner.execute(flow)

    again = runner.resume(failed.run_id, {"parts": 4, "note": "mended"})

    assert (again.status, again.context.params["parts"], again.context.params["note"]) == ("completed", 4, "mended")


class Bounds(pydantic.BaseModel):
    low: int = 0
    high: int = 5
    batch: int | None = None
    size: int = 200

    @pydantic.model_validator(mode="after")
    def put_in_order(self):
        self.low, self.high = sorted((self.low, self.high))
        return self


class Stricter(Bounds):
    size: int = pydantic.Field(200, le=100)


class Newer(Bounds):
    mode: str


class Older(pydantic.BaseModel):
    low: int = 0


@pytest.mark.parametrize(
    ("was", "now", "override"),
    [
        (Bounds, Bounds, {"low": 9}),
        (Bounds, Stricter, {"low": 9, "size": 50}),
        (Bounds, Newer, {"low": 9, "mode": "full"}),
        (Older, Bounds, {"low": 9}),
    ],
    ids=["same", "stricter", "one more", "moved into a new one"],
)
def test_nothing_is_lost_of_what_an_override_makes_of_params_that_an_older_model_made(runner, was, now, override):
    failed = runner.execute(Workflow("bounded", SHOP.steps, params_model=was))
    runner.register(Workflow("bounded", SHOP.steps, params_model=now))

    again = runner.resume(failed.run_id, override)

    assert (again.context.params["low"], again.context.params["high"]) == (5, 9)


class Report(pydantic.BaseModel):
    folder: str
    out: str = "x.csv"

    @pydantic.model_validator(mode="after")
    def place(self):
        self.out = f"{self.folder}/{self.out}"
        return self


def test_what_each_judgement_changes_once_more_is_left_to_whoever_overrides(runner):
    failed = runner.execute(Workflow("report", SHOP.steps, params_model=Report), {"folder": "a"})

    again = runner.resume(failed.run_id, {"folder": "b"})

    assert dict(again.context.params) == {"folder": "b", "out": "a/x.csv"}


class Sum(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    total: int = 0

    @pydantic.model_validator(mode="after")
    def add(self):
        self.total = sum(self.model_extra.values())
        return self


def test_an_override_is_judged_with_what_a_model_takes_besides_its_fields(runner):
    failed = runner.execute(Workflow("sum", SHOP.steps, params_model=Sum), {"x": 1, "y": 2})

    assert dict(runner.resume(failed.run_id, {"x": 5}).context.params) == {"total": 7, "x": 5, "y": 2}


def test_an_override_is_judged_with_the_other_params_of_a_model_without_fields(runner):
    class Csv(pydantic.BaseModel):
        kind: Literal["csv"]
        path: str

    class Sql(pydantic.BaseModel):
        kind: Literal["sql"]
        query: str

    class Source(pydantic.RootModel):
        root: Annotated[Csv | Sql, pydantic.Field(discriminator="kind")]

    failed = runner.execute(Workflow("source", SHOP.steps, params_model=Source), {"kind": "csv", "path": "a"})

    assert dict(runner.resume(failed.run_id, {"path": "b"}).context.params) == {"kind": "csv", "path": "b"}


class Tagged(pydantic.BaseModel):
    tags: list[str]

    @pydantic.model_validator(mode="before")
    @classmethod
    def add_one(cls, given):
        given["tags"].append("auto")
        return given


def test_defaults_are_the_same_for_every_run_whatever_a_validator_does_to_them(runner):
    flow = Workflow("tagged", SHOP.steps, params_model=Tagged, defaults={"tags": ["base"]})

    assert [runner.execute(flow).context.params["tags"] for _ in range(2)] == [["base", "auto"], ["base", "auto"]]


class Hiding(pydantic.BaseModel):
    n: int = 1
    token: int = pydantic.Field(0, exclude=True)


def test_an_override_of_what_a_model_leaves_out_is_refused(runner):
    failed = runner.execute(Workflow("hiding", SHOP.steps, params_model=Hiding), {"token": "123"})

    with pytest.raises(InvalidParams, match="workflow 'hiding' keeps no param 'token': its model leaves it out"):
        runner.resume(failed.run_id, {"token": "456"})


def test_an_override_of_what_the_model_computes_is_refused():
    flow = Workflow("windowed", SHOP.steps, params_model=Window)

    with pytest.raises(InvalidParams, match="workflow 'windowed' takes no param 'days': its model computes it"):
        flow.override(flow.first_params(START).values, {"days": 3})
