"""What one question reads is of one moment, whatever others commit meanwhile."""

from contextlib import closing

import pytest
from sqlalchemy import event, text

from spine.stores.open import open_store
from spine.stores.sql import engine as engines
from spine.testing.contract.drive import FAILED, STEPS, run_to, take_over

TOO_LARGE_TO_BE_WRITTEN_AGAIN = {"note": "x" * 3000}
QUESTIONS = [lambda store: store.get_run("run-1"), lambda store: store.get_checkpoint("run-1")]


@pytest.fixture
def other_store(database_url):
    with closing(open_store(database_url)) as store:
        yield store


def after_the_first_statement_on_checkpoints(store, act):
    """Let somebody else act between the statements of one question."""
    acts = iter([act])

    def maybe_act(_connection, _cursor, statement, *_others):
        if "context_snapshot" in statement:
            next(acts, lambda: None)()

    event.listen(store._engine, "after_cursor_execute", maybe_act)


@pytest.mark.parametrize("question", QUESTIONS, ids=["run", "checkpoint"])
def test_a_run_that_goes_back_while_it_is_read_is_not_taken_for_damaged(sql_store, other_store, question):
    run_to(sql_store, FAILED, params=TOO_LARGE_TO_BE_WRITTEN_AGAIN)
    before = question(sql_store)

    after_the_first_statement_on_checkpoints(sql_store, lambda: take_over(other_store, removed_steps=STEPS))

    assert question(sql_store) == before
    assert other_store.list_checkpoints("run-1") == []


@pytest.mark.parametrize("query", ["", "?pooler=transaction"])
def test_a_connection_that_was_read_with_writes_as_one_that_was_not(postgres_url, query):
    levels = []
    with closing(open_store(postgres_url + query)) as store:
        run_to(store, FAILED)
        for _ in range(2):
            with engines.writing(store._engine) as connection:
                levels.append(connection.execute(text("SHOW transaction_isolation")).scalar_one())
            store.get_run("run-1")

    assert levels == ["read committed"] * 2


def test_to_read_costs_no_statement_more_on_postgresql(postgres_store, tmp_path):
    run_to(postgres_store, FAILED)
    with engines.writing(postgres_store._engine) as connection:
        wire = connection.connection.driver_connection.pgconn
    with (tmp_path / "wire").open("wb") as file:
        wire.trace(file.fileno())
        postgres_store.list_checkpoints("run-1")
        wire.untrace()

    questions = [line for line in (tmp_path / "wire").read_text().splitlines() if "\tReadyForQuery\t" in line]
    assert len(questions) == len(["ping", "BEGIN", "SELECT", "ROLLBACK"])
