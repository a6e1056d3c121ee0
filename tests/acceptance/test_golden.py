"""Databases as each released version wrote them: this version shows their runs and goes on with them.

The files are in `tests/golden/`, a folder for each revision of the schema.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from spine.errors import CheckpointsDeleted, Refused, RunAlreadyCompleted, RunExpired, SchemaOutdated
from spine.orchestration import RunStatus, WorkflowContext, WorkflowRunner
from spine.records.run import CRASHED
from spine.stores.sql import schema
from tests.conftest import INSTALLATIONS, POSTGRES, upgrade
from tests.contract.rows import Rows
from tests.golden import runs
from tests.servers.clusters import shared_server
from tests.servers.installations import installation_named

GOLDEN = Path(__file__).parents[1] / "golden"
VERSIONS = sorted(folder.name for folder in GOLDEN.iterdir() if folder.name.isdecimal())
STATES = {
    "failed": "failed",
    "completed": "completed",
    "cancelled": "cancelled",
    "told": "failed",
    "changed": "failed",
    "sparse": "failed",
    "removed": "failed",
    "expired": "completed",
    "crashed": "crashed",
}
TAGS = {"tags": ("changed", "by hand")}
RESUMED = [
    ("failed", runs.OVERRIDE, ["load", "report"], []),
    ("cancelled", runs.OVERRIDE, ["load", "report"], []),
    ("crashed", runs.OVERRIDE, ["load", "report"], []),
    ("sparse", runs.OVERRIDE, ["load", "report"], []),
    ("changed", {"target": "main"}, ["load", "report"], []),
    ("told", {"target": "main"}, ["report"], ["load"]),
]


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=("sqlite", *POSTGRES))
def loaded_url(request: pytest.FixtureRequest, version: str) -> Iterator[str]:
    """A database as that version left it."""
    if request.param == "sqlite":
        url = request.getfixturevalue("sqlite_url")
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.executescript((GOLDEN / version / "sqlite.sql").read_text(encoding="utf-8"))
        yield url
    else:
        session = request.getfixturevalue("session")
        server = shared_server(session, installation_named(request.param, INSTALLATIONS))
        with server.database(by=request.getfixturevalue("administrator")(server)) as url:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute((GOLDEN / version / "postgresql.sql").read_text(encoding="utf-8"))
            yield url


@pytest.fixture
def golden_url(loaded_url: str) -> str:
    """The same, with the tables of this version, as `spine db upgrade` makes them."""
    upgrade(loaded_url)
    return loaded_url


@pytest.fixture
def runner(golden_url: str) -> Iterator[WorkflowRunner]:
    with runs.runner(golden_url) as runner:
        yield runner


def undisturbed(run_id: str, **params: Any) -> WorkflowContext:
    """The context of the same run if nothing had ever failed."""
    with runs.runner("memory://") as runner:
        given = {**runs.PARAMS, **runs.OVERRIDE, **params}
        return runner.execute(runs.workflow(), given, run_id=run_id, partition=runs.PARTITION).context


def spelled(outputs: Any) -> dict[str, str]:
    """Outputs as text that tells types, floats and the order of keys apart."""
    return {step: repr(output) for step, output in outputs.items()}


def test_every_run_is_listed_in_the_state_that_it_was_left_in(runner: WorkflowRunner):
    assert {run.run_id: run.state for run in runner.list_runs()} == STATES
    assert [run.run_id for run in runner.list_runs(status=CRASHED)] == ["crashed"]


def test_every_run_is_shown_with_its_context_its_checkpoints_and_its_history(runner: WorkflowRunner):
    for run_id, state in STATES.items():
        run = runner.get_run(run_id)
        kept = [runner.get_checkpoint(run_id, each.step_name) for each in runner.list_checkpoints(run_id)]
        history = [event.kind for event in runner.list_events(run_id)]

        assert (run.run_id, run.state, run.definition.names) == (run_id, state, runs.STEPS)
        assert history[:2] == ["run.created", "run.started"]
        assert run.lease is None
        assert run.updated_at.tzinfo is not None
        assert (kept == []) == (run_id in ("removed", "expired"))
        for checkpoint in kept:
            assert repr(checkpoint.context.outputs["extract"]["rows"]) == repr(runs.HARD)


def test_the_command_line_lists_and_shows_every_run(spine: Any, golden_url: str):
    listed = spine("runs", "list", "--database-url", golden_url, "--json")
    shown = {run_id: spine("runs", "show", run_id, "--database-url", golden_url) for run_id in STATES}

    assert {run["run_id"] for run in listed.json} == set(STATES)
    assert {run_id: said.code for run_id, said in shown.items()} == dict.fromkeys(STATES, 0)


def test_what_a_run_knew_comes_back_as_it_was(runner: WorkflowRunner):
    run = runner.get_run("failed")
    checkpoint = runner.get_checkpoint("failed", "clean")

    assert dict(run.params) == {"unused": 1, **runs.PARAMS, "cleaned": True}
    assert dict(run.partition) == runs.PARTITION
    assert spelled(run.context.outputs) == {
        step: text for step, text in spelled(undisturbed("failed").outputs).items() if step in ("extract", "clean")
    }
    assert run.context.quality_metrics["clean"].record_count == len(runs.HARD)
    assert (run.error_step, run.error_type) == ("load", "OutOfReachError")
    assert checkpoint.metadata["source"] == ("orders", runs.PARAMS["day"])
    assert [each.step_name for each in runner.list_checkpoints("sparse")] == ["clean"]
    assert runner.list_events("failed")[0].reason == "month end"


@pytest.mark.parametrize(("run_id", "override", "completed", "skipped"), RESUMED, ids=[each[0] for each in RESUMED])
def test_a_run_goes_on_to_the_context_of_one_that_was_never_interrupted(
    runner: WorkflowRunner, run_id: str, override: dict[str, Any], completed: list[str], skipped: list[str]
):
    result = runner.resume(run_id, override)

    assert result.status is RunStatus.COMPLETED
    assert result.completed_steps == completed
    assert result.skipped_steps == skipped
    known = spelled(result.context.outputs)
    if run_id not in ("told", "changed"):
        assert known == spelled(undisturbed(run_id).outputs)
    elif run_id == "changed":
        assert known == spelled(undisturbed(run_id, limit=runs.PARAMS["limit"], **TAGS).outputs)
    else:
        assert list(known) == ["extract", "clean", "report"]
        assert result.context.params["limit"] == runs.OVERRIDE["limit"]
    if run_id != "sparse":  # which keeps no checkpoint of its last step
        assert runner.get_run(run_id).context == result.context


def test_a_run_without_an_override_fails_again_where_it_failed(runner: WorkflowRunner):
    again = runner.resume("failed")

    assert (again.status, again.error_step, again.error_type) == (RunStatus.FAILED, "load", "OutOfReachError")
    assert again.completed_steps == []


@pytest.mark.parametrize(
    ("run_id", "error"),
    [("completed", RunAlreadyCompleted), ("removed", CheckpointsDeleted), ("expired", RunExpired)],
)
def test_a_run_that_cannot_go_on_is_refused_and_nothing_changes(
    runner: WorkflowRunner, golden_url: str, run_id: str, error: type[Refused]
):
    with closing(Rows(golden_url)) as rows:
        before = rows.everything()
        with pytest.raises(error):
            runner.resume(run_id)
        after = rows.everything()

    assert after == before


def test_a_completed_run_can_be_opened_again_at_a_step(runner: WorkflowRunner):
    again = runner.execute(runs.workflow(), run_id="completed", start_from="load")

    assert again.completed_steps == ["load", "report"]
    assert list(again.context.outputs) == list(runs.STEPS)


def test_steps_may_have_new_names_since(runner: WorkflowRunner):
    again = runner.execute(
        runs.workflow("golden.sparse", names=("fetch", "tidy", "load", "report")),
        {"target": "main"},
        run_id="sparse",
        start_from="report",
        renamed={"extract": "fetch", "clean": "tidy"},
    )

    assert again.context.outputs["report"]["steps"] == ["fetch", "tidy"]


def test_old_runs_are_purged_like_new_ones(runner: WorkflowRunner):
    purged = runner.purge(days=30)

    assert set(purged.runs) == set(STATES) - {"removed", "expired", "crashed"}
    assert runner.get_run("failed").removed_because == "expired"


def test_postgresql_tables_of_an_older_version_are_refused_until_they_are_upgraded(loaded_url: str, version: str):
    if loaded_url.startswith("sqlite:") or version == schema.HEAD:
        with runs.runner(loaded_url) as runner:
            assert len(runner.list_runs()) == len(STATES)
    else:
        with runs.runner(loaded_url) as runner, pytest.raises(SchemaOutdated, match="spine db upgrade"):
            runner.list_runs()
