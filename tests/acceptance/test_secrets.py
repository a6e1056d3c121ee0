"""A secret is known to the step that reads it and to nobody else (INV-81)."""

import copy
import logging
import pickle
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from spine.orchestration import (
    Event,
    InvalidParams,
    Registry,
    RunStatus,
    Secret,
    Step,
    StepResult,
    Workflow,
    WorkflowContext,
    WorkflowRunner,
)

VALUE = "hunter2-never-tell"


class Listener:
    def __init__(self) -> None:
        self.heard: list[Event] = []

    def on_event(self, event: Event) -> None:
        self.heard.append(event)


def login(ctx: Any, config: dict[str, Any]) -> dict[str, Any]:
    password = ctx.params["password"]
    if not ctx.is_resumed:
        raise PermissionError(f"the warehouse refuses {password!r} of {ctx.params!r}")
    return {"length": len(password)}


def test_a_step_reads_a_secret_and_nothing_else_shows_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("WAREHOUSE_PASSWORD", VALUE)
    caplog.set_level(logging.DEBUG)
    listener = Listener()

    with WorkflowRunner(database_url, hooks=[listener]) as runner:
        params = {"password": Secret("WAREHOUSE_PASSWORD"), "user": "etl"}
        failed = runner.execute(Workflow("login", [Step.lambda_("login", login)]), params)
        resumed = runner.resume(failed.run_id)
        run = runner.get_run(failed.run_id)
        told = [failed, resumed, run, runner.list_events(run.run_id), runner.get_checkpoint(run.run_id), listener.heard]

    assert resumed.context.outputs["login"] == {"length": len(VALUE)}
    assert run.params["password"] == Secret("WAREHOUSE_PASSWORD")
    assert VALUE not in repr(told) + caplog.text
    assert (
        failed.error == "the warehouse refuses '***' of {'password': Secret(name='WAREHOUSE_PASSWORD'), 'user': 'etl'}"
    )


def test_the_database_holds_the_name_of_a_secret_only(sqlite_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WAREHOUSE_PASSWORD", VALUE)

    with WorkflowRunner(sqlite_url) as runner:
        run_id = runner.execute(Workflow("login", [Step.lambda_("login", login)]), {"password": "x"}).run_id
        runner.resume(run_id, {"password": Secret("WAREHOUSE_PASSWORD")})

    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
        dump = "\n".join(connection.iterdump())
    assert "WAREHOUSE_PASSWORD" in dump
    assert VALUE not in dump


def test_a_runner_may_be_told_where_secrets_are():
    vault = {"token": VALUE}
    workflow = Workflow("call", [Step.lambda_("call", lambda ctx, config: {"same": ctx.params["token"] == VALUE})])

    with WorkflowRunner("memory://", secrets=vault.__getitem__) as runner:
        result = runner.execute(workflow, {"token": Secret("token")})

    assert result.context.outputs["call"] == {"same": True}


def test_a_missing_secret_fails_the_step_that_reads_it_and_says_what_to_set(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("WAREHOUSE_PASSWORD", raising=False)

    with WorkflowRunner("memory://") as runner:
        workflow = Workflow("login", [Step.lambda_("login", login)])
        result = runner.execute(workflow, {"password": Secret("WAREHOUSE_PASSWORD")})

    assert (result.status, result.error_type) == (RunStatus.FAILED, "SecretNotFound")
    assert "set WAREHOUSE_PASSWORD" in str(result.error)


@pytest.mark.parametrize("resolver", [{"OTHER": "x"}.get, {"OTHER": "x"}.__getitem__], ids=["None", "KeyError"])
def test_a_resolver_that_knows_nothing_of_a_secret_fails_the_step_and_masks_nothing(resolver: Any):
    workflow = Workflow("login", [Step.lambda_("login", lambda ctx, config: {"n": ctx.params.get("password")})])

    with WorkflowRunner("memory://", secrets=resolver) as runner:
        result = runner.execute(workflow, {"password": Secret("PASSWORD")})

    assert (result.error_type, result.error) == ("SecretNotFound", "the runner's secrets give nothing for 'PASSWORD'")


def test_a_params_model_may_ask_for_a_secret():
    from pydantic import BaseModel

    class Params(BaseModel):
        token: Secret
        retries: int = 3

    workflow = Workflow(
        "call", [Step.lambda_("call", lambda ctx, config: {"n": ctx.params["retries"]})], params_model=Params
    )

    with WorkflowRunner("memory://", secrets=lambda name: name) as runner:
        result = runner.execute(workflow, {"token": Secret("TOKEN")})

    assert result.context.params["token"] == Secret("TOKEN")
    assert result.context.outputs["call"] == {"n": 3}


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_of_what_a_step_knows_tells_no_secret(copied: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WAREHOUSE_PASSWORD", VALUE)

    def look(ctx: Any, config: dict[str, Any]) -> dict[str, Any]:
        assert ctx.params["password"] == VALUE
        assert VALUE.encode() not in pickle.dumps(ctx)
        assert pickle.loads(pickle.dumps(ctx.params)) == {"password": Secret("WAREHOUSE_PASSWORD")}
        raise PermissionError(f"refused: {copied(ctx).params['password']} {copied(ctx.params)['password']}")

    with WorkflowRunner("memory://") as runner:
        failed = runner.execute(Workflow("w", [Step.lambda_("look", look)]), {"password": Secret("WAREHOUSE_PASSWORD")})
        told = [failed, runner.get_run(failed.run_id), runner.list_events(failed.run_id)]

    assert VALUE not in repr(told)
    assert failed.error == "refused: *** ***"


def test_a_copy_asks_the_runners_own_resolver():
    def look(ctx: Any, config: dict[str, Any]) -> StepResult:
        assert copy.deepcopy(ctx).params["password"] == copy.copy(ctx.params)["password"] == "of the vault"
        return StepResult.ok({"seen": True}, context_updates=copy.copy(ctx.params))

    with WorkflowRunner("memory://", secrets=lambda name: f"of the {name}") as runner:
        result = runner.execute(Workflow("w", [Step.lambda_("look", look)]), {"password": Secret("vault")})

    assert result.raise_for_status().context.params["password"] == Secret("vault")


@pytest.mark.parametrize(
    "given",
    [
        {"context": WorkflowContext(run_id="r", workflow_name="w", params={"db": {"password": Secret("P")}})},
        {"context": WorkflowContext(run_id="r", workflow_name="w", partition={"of": Secret("P")})},
        {"partition": {"of": Secret("P")}},
        {"partition": {"of": [Secret("P")]}},
        {"params": {"db": {"password": Secret("P")}}},
    ],
)
def test_a_secret_that_no_step_would_be_told_is_refused(given: dict[str, Any]):
    with WorkflowRunner("memory://", registry=Registry()) as runner:
        with pytest.raises(InvalidParams, match="holds a secret, which no step would be told"):
            runner.execute(Workflow("w", [Step.lambda_("a", lambda ctx, config: {})]), **given)
        assert runner.list_runs() == []


def test_a_run_that_a_step_starts_with_its_params_holds_the_names_of_secrets_only():
    child = Workflow("child", [Step.lambda_("a", lambda ctx, config: {"n": len(ctx.params["password"])})])

    def start(ctx: Any, config: dict[str, Any]) -> dict[str, Any]:
        if not ctx.is_resumed:
            raise TimeoutError
        return {"child": runner.execute(child, params=ctx.params).raise_for_status().run_id}

    with WorkflowRunner("memory://", secrets=lambda _name: VALUE) as runner:
        first = runner.execute(Workflow("parent", [Step.lambda_("start", start)]), {"password": Secret("vault")})
        parent = runner.resume(first.run_id).raise_for_status()
        run = runner.get_run(parent.context.outputs["start"]["child"])

    assert dict(run.params) == {"password": Secret("vault")}
    assert run.context.outputs["a"] == {"n": len(VALUE)}


def test_every_value_of_a_rotating_secret_is_masked():
    tokens = iter(["rotating1", "rotating2"])

    def login(ctx: Any, config: dict[str, Any]) -> dict[str, Any]:
        first, second = ctx.params["token"], ctx.params["token"]
        raise PermissionError(f"{first} was refused, then {second}")

    with WorkflowRunner("memory://", secrets=lambda _name: next(tokens)) as runner:
        failed = runner.execute(Workflow("w", [Step.lambda_("login", login)]), {"token": Secret("vault")})

    assert failed.error == "*** was refused, then ***"


def test_a_secret_of_a_step_that_becomes_a_param_of_the_run_is_kept_as_its_name(sqlite_url: str):
    registry = Registry()

    @registry.pipeline("login")
    def login_and_tell(params: dict[str, Any]) -> StepResult:
        return StepResult.ok({"length": len(params["password"])}, context_updates={**params, "user": "ann"})

    own = Step.pipeline("login", "login", params={"password": Secret("WAREHOUSE_PASSWORD")})
    last = Step.lambda_("last", lambda ctx, config: {"same": ctx.params["password"] == VALUE})
    with WorkflowRunner(sqlite_url, registry=registry, secrets=lambda _name: VALUE) as runner:
        ended = runner.execute(Workflow("w", [own, last]))

    assert ended.context.params == {"password": Secret("WAREHOUSE_PASSWORD"), "user": "ann"}
    assert ended.context.outputs["last"] == {"same": True}
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
        assert VALUE not in "\n".join(connection.iterdump())
