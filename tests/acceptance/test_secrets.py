"""A secret is known to the step that reads it and to nobody else (INV-81)."""

import logging
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from spine.orchestration import Event, RunStatus, Secret, Step, Workflow, WorkflowRunner

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
