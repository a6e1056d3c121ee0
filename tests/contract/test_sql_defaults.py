"""What a database or the environment says of sessions changes nothing: text is what it was, races are told."""

from contextlib import closing
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text

from spine.errors import InvalidSetting, StoreError, StoreUnavailable
from spine.orchestration import Registry, Step, Workflow, WorkflowRunner
from spine.stores.open import open_store
from tests.conftest import upgrade

TEXT = "Zoë, Ærø"


def greet(ctx, config):
    if not ctx.is_resumed and ctx.step_name == "grüßen":
        raise ValueError(TEXT)
    return {"name": TEXT, "before": dict(ctx.outputs)}


WORKFLOW = Workflow("wörk", [Step.lambda_("começar", greet), Step.lambda_("grüßen", greet)])


def drive_and_resume(url):
    registry = Registry()
    registry.add_workflow(WORKFLOW)
    with WorkflowRunner(url, registry=registry) as runner:
        failed = runner.execute(WORKFLOW, {"töwn": TEXT}, run_id="zoë")
        runner.resume("zoë")
        return failed, runner.get_run("zoë")


def assert_kept(failed, run):
    assert failed.error == TEXT
    assert run.status == "completed"
    assert run.context.params == {"töwn": TEXT}
    assert run.context.outputs["começar"] == {"name": TEXT, "before": {}}
    assert run.context.outputs["grüßen"]["before"] == {"começar": {"name": TEXT, "before": {}}}


@pytest.fixture(params=["LATIN1", "LATIN9", "SQL_ASCII"])
def odd_url(request, postgres):
    """A database of another encoding."""
    name = f"odd_{request.param.lower()}"
    with postgres.connect() as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0").format(
                sql.Identifier(name), request.param
            )
        )
        yield postgres.url(name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_a_database_of_another_encoding_is_refused_with_what_to_do(odd_url):
    for act in (upgrade, drive_and_resume):
        with pytest.raises(StoreUnavailable, match="cannot keep every text.* ENCODING 'UTF8' TEMPLATE template0$"):
            act(odd_url)
    with WorkflowRunner(odd_url, registry=Registry()) as runner:
        assert "Spine needs UTF8" in runner.examine()[0].seen


def test_the_encoding_that_the_environment_says_changes_nothing(postgres_url, monkeypatch):
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")

    assert_kept(*drive_and_resume(postgres_url))


@pytest.mark.parametrize("style", ["German", "SQL, DMY", "Postgres"])
def test_the_way_that_a_database_writes_dates_changes_nothing(postgres_url, style):
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute(f"ALTER DATABASE {owner.info.dbname} SET datestyle = '{style}'")

    assert_kept(*drive_and_resume(postgres_url))


def test_options_in_the_url_are_added_to_those_of_spine(postgres_url):
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute(f"ALTER DATABASE {owner.info.dbname} SET datestyle = 'German'")
    url = f"{postgres_url}?options=-c%20lock_timeout%3D50ms"

    assert_kept(*drive_and_resume(url))
    with WorkflowRunner(url) as runner:
        (found,) = [finding.seen for finding in runner.examine() if finding.subject == "timeouts"]
    assert found == "statement_timeout=30s lock_timeout=50ms"


def test_options_of_the_environment_are_added_too_before_those_of_the_url(postgres_url, monkeypatch):
    monkeypatch.setenv("PGOPTIONS", "-c lock_timeout=40ms -c statement_timeout=7s")

    with WorkflowRunner(f"{postgres_url}?options=-c%20lock_timeout%3D50ms") as runner:
        (found,) = [finding.seen for finding in runner.examine() if finding.subject == "timeouts"]

    assert found == "statement_timeout=7s lock_timeout=50ms"


def test_options_of_the_environment_do_not_change_how_spine_reads(postgres_url, monkeypatch):
    monkeypatch.setenv(
        "PGOPTIONS", "-c datestyle=German -c timezone=Asia/Tokyo -c default_transaction_isolation=serializable"
    )

    assert_kept(*drive_and_resume(postgres_url))


@pytest.mark.parametrize("setting", ["nonsense=1", "lock_timeout=soon"])
def test_an_option_that_the_server_refuses_is_told_as_such(postgres_url, setting):
    url = f"{postgres_url}?options={quote(f'-c {setting}')}"

    with WorkflowRunner(url) as runner, pytest.raises(StoreUnavailable, match="an option of the URL"):
        runner.list_runs()


def test_dates_that_cannot_be_read_behind_a_pooler_are_told_with_what_to_do(postgres_url):
    with psycopg.connect(postgres_url, autocommit=True) as owner:
        owner.execute(f"ALTER DATABASE {owner.info.dbname} SET datestyle = 'German'")

    with pytest.raises(StoreError, match="ALTER ROLE name SET datestyle = 'ISO'"):
        drive_and_resume(f"{postgres_url}?pooler=transaction")


def test_the_isolation_that_a_database_has_by_default_changes_nothing(postgres_url):
    store = open_store(postgres_url)
    with closing(store), store._engine.connect() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_isolation = serializable"))
        connection.commit()
        connection.invalidate()
        level = connection.execute(text("SHOW transaction_isolation")).scalar_one()

    assert level == "read committed"


def test_another_encoding_in_the_url_is_refused():
    with pytest.raises(InvalidSetting, match="always speaks UTF8"):
        WorkflowRunner("postgresql://localhost/x?client_encoding=LATIN1")
