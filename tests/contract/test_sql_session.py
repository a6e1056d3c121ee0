"""A session tries again what may pass, and nothing else."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest

from spine.errors import StoreError, StoreFull, StoreUnavailable
from spine.stores.open import open_store
from spine.stores.protocol import PurgeOrder, RunFilter
from spine.stores.sql.engine import make_engine
from spine.stores.sql.session import Session
from spine.stores.sql.url import parse_url
from spine.testing.contract.drive import FAILED, HOUR, create, new_run, run_to, take_over

ONE_VALUE = {"a": 1}
RAISE = "DO $$ BEGIN RAISE EXCEPTION '{words}' USING ERRCODE = '{state}'; END $$"


@contextmanager
def session_on(url: str, *, reconnect_seconds: float = 20) -> Iterator[Session]:
    engine = make_engine(parse_url(url))
    with closing(Session(engine, reconnect_seconds=reconnect_seconds)) as session:
        yield session
    engine.dispose()


@pytest.fixture
def opened(empty_postgres_url: str) -> Iterator[Session]:
    with session_on(empty_postgres_url) as session:
        yield session


class Write:
    """A write that the server refuses once."""

    def __init__(self, state: str, words: str) -> None:
        self.tries = 0
        self._refusal = RAISE.format(words=words, state=state)

    def run(self, cursor: Any, values: Mapping[str, Any]) -> int:
        self.tries += 1
        if self.tries == 1:
            cursor.execute(self._refusal)
        return len(values)


class Question:
    """A question that finds so many rows."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def run(self, _cursor: Any, _values: Mapping[str, Any]) -> int:
        return self._rows


@pytest.mark.parametrize(
    "state", ["40001", "40P01", "57P01", "08006", "53100", "53200", "53400", "25P03", "25P04", "25006"]
)
def test_what_may_pass_is_tried_again_whatever_the_server_says(opened, state):
    write = Write(state, "order 7 is not for sale")

    assert opened.run(write, ONE_VALUE, question=Question(0)) == 1
    assert write.tries == 2


class Refused:
    """A write that the server refuses each time."""

    def __init__(self, state: str) -> None:
        self._refusal = RAISE.format(words="its own words", state=state)

    def run(self, cursor: Any, _values: Mapping[str, Any]) -> int:
        cursor.execute(self._refusal)
        return 0


@pytest.mark.parametrize(
    ("state", "kind", "meaning"),
    [
        ("53100", StoreFull, "has no space left on its disk; free some and try again"),
        ("53200", StoreFull, "is out of memory; give it more and try again"),
        ("53400", StoreFull, "has reached a limit that its configuration sets; raise it and try again"),
        ("53000", StoreFull, "lacks something that it needs; give it more and try again"),
        ("53300", StoreUnavailable, "has too many connections; try again, or raise max_connections"),
    ],
)
def test_what_a_server_lacks_is_told_as_that_with_its_own_words(empty_postgres_url, state, kind, meaning):
    with session_on(empty_postgres_url, reconnect_seconds=0.1) as session, pytest.raises(StoreError) as raised:
        session.run(Refused(state), ONE_VALUE, question=Question(0))

    assert type(raised.value) is kind
    assert f": {meaning} (its own words); gave up " in str(raised.value)


def test_what_jsonb_cannot_hold_is_told_as_that_and_not_tried_again(empty_postgres_url):
    with session_on(empty_postgres_url, reconnect_seconds=30) as session, pytest.raises(StoreError) as raised:
        session.run(Refused("54000"), ONE_VALUE, question=Question(0))

    assert str(raised.value).endswith("JSONB ends at 256 MiB; keep a reference to it instead")


@pytest.mark.parametrize(
    ("state", "event", "end"),
    [
        ("53100", "store.full", "gave up trying again after 0.1 s"),
        ("40001", "store.busy", "gave up trying again after 0.1 s"),
        ("08006", "store.lost", "gave up reconnecting after 0.1 s"),
    ],
)
def test_only_a_lost_connection_is_told_as_one(empty_postgres_url, caplog, state, event, end):
    with session_on(empty_postgres_url, reconnect_seconds=0.1) as session, pytest.raises(StoreError) as raised:
        session.run(Refused(state), ONE_VALUE, question=Question(0))

    assert str(raised.value).endswith(end)
    assert [record.getMessage().split()[0] for record in caplog.records if record.name == "spine"] == [event]


@pytest.mark.parametrize("state", ["22000", "23505", "42501", "57014", "55P03", "P0001"])
def test_what_will_not_pass_is_not_tried_again_though_it_speaks_of_a_lost_connection(opened, state):
    write = Write(state, "server closed the connection unexpectedly: deadlock detected, timeout")

    with pytest.raises(StoreError):
        opened.run(write, ONE_VALUE, question=Question(0))
    assert write.tries == 1


def test_a_write_that_is_found_to_have_got_through_is_not_made_again(opened):
    write = Write("08006", "answer lost")

    assert opened.run(write, ONE_VALUE, question=Question(7)) == 7
    assert write.tries == 1


@pytest.mark.parametrize("query", ["", "?pooler=transaction"])
def test_a_silent_network_is_noticed_within_a_minute_by_default(empty_postgres_url, query):
    with session_on(empty_postgres_url + query) as session:
        parameters = session.cursor.connection.info.get_parameters()
        answer_seconds = session.cursor.connection.answer_seconds

    idle, interval, count = (int(parameters[f"keepalives_{name}"]) for name in ("idle", "interval", "count"))
    assert 0 < int(parameters["connect_timeout"]) < 60
    assert 0 < int(parameters["tcp_user_timeout"]) < 60_000
    assert 0 < idle + interval * count < 60
    assert 30 < answer_seconds < 60


@pytest.mark.parametrize("lets_go", ["DEALLOCATE ALL", "DISCARD ALL", "ROLLBACK"])
def test_what_was_prepared_is_prepared_again_when_somebody_let_go_of_it(opened, lets_go):
    with opened.cursor.connection.cursor() as cursor:
        opened.cursor.connection.run("SELECT $1::int", [b"1"])
        for _ in range(10):
            cursor.execute("SELECT 1")
        cursor.execute(lets_go)

    assert opened.cursor.connection.run("SELECT $1::int", [b"1"]) == 1
    assert opened.cursor.connection.run("SELECT $1::int", [b"1"]) == 1


def test_a_statement_is_prepared_once_on_a_session(opened):
    for _ in range(10):
        opened.cursor.connection.run("SELECT $1::int", [b"1"])
        opened.cursor.connection.rollback()
        prepared = opened.cursor.execute("SELECT name, statement FROM pg_prepared_statements").fetchall()

    assert [statement for _, statement in prepared] == ["SELECT $1::int"]


def test_what_was_being_prepared_when_somebody_interrupted_is_run_all_the_same(opened, monkeypatch):
    wait = opened.cursor.connection.wait

    def wait_and_be_interrupted(generator):
        wait(generator)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(opened.cursor.connection, "wait", wait_and_be_interrupted)
        with pytest.raises(KeyboardInterrupt):
            opened.cursor.connection.run("SELECT $1::int", [b"1"])

    assert opened.cursor.connection.run("SELECT $1::int", [b"1"]) == 1


def test_no_statement_is_taken_for_another_when_one_is_gone(opened):
    assert opened.cursor.connection.run("SELECT $1::int", [b"1"]) == 1
    [(name,)] = opened.cursor.execute("SELECT name FROM pg_prepared_statements").fetchall()
    assert opened.cursor.connection.run("SELECT generate_series(1, $1::int)", [b"3"]) == 3
    opened.cursor.execute(f'DEALLOCATE "{name}"')

    assert opened.cursor.connection.run("SELECT $1::int", [b"1"]) == 1
    assert opened.cursor.connection.run("SELECT generate_series(1, $1::int)", [b"3"]) == 3


def test_nothing_is_prepared_on_a_session_of_a_pooler(empty_postgres_url):
    with session_on(f"{empty_postgres_url}?pooler=transaction") as session:
        for _ in range(10):
            session.cursor.connection.run("SELECT $1::int", [b"1"])
        prepared = session.cursor.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()

    assert prepared == (0,)


@pytest.mark.parametrize("raised", [TimeoutError, KeyboardInterrupt])
def test_what_a_signal_raises_during_a_statement_is_told_and_the_connection_with_its_late_answer_is_gone(
    opened, raised
):
    def be_interrupted():
        opened.cursor.connection.pgconn.send_query(b"SELECT 1")
        raise raised
        yield

    with pytest.raises(raised):
        opened.cursor.connection.wait(be_interrupted())

    assert opened.cursor.connection.closed
    assert opened.run(Write("22000", "never said"), ONE_VALUE, question=Question(1)) == 1


def test_what_a_signal_raises_during_a_write_is_not_taken_for_a_lost_connection(opened):
    class Watched:
        def run(self, _cursor, _values):
            raise TimeoutError("the watchdog of this program")

    with pytest.raises(TimeoutError, match="watchdog"):
        opened.run(Watched(), ONE_VALUE, question=Question(1))


def test_a_question_beside_another_is_not_taken_for_silence(opened):
    opened.cursor.connection.pgconn.send_query(b"SELECT pg_sleep(0)")

    with pytest.raises(psycopg.OperationalError, match="another command is already in progress"):
        opened.cursor.connection.execute("SELECT 1")


def test_no_session_is_kept_from_when_the_server_took_no_writes(postgres_url):
    with closing(open_store(postgres_url)) as store, psycopg.connect(postgres_url, autocommit=True) as owner:
        lease = create(store, new_run())
        run_to(store, FAILED, "run-3")
        for use in (
            lambda: store.renew_leases([lease], lease_seconds=HOUR),
            lambda: create(store, new_run("run-2")),
            lambda: take_over(store, "run-3"),
            lambda: store.cancel_run("run-2"),
            lambda: store.delete_checkpoints("run-2") == 0,
            lambda: store.purge_runs(PurgeOrder(days=0, failed_days=0)) is not None,
        ):
            owner.execute(f"ALTER DATABASE {owner.info.dbname} SET default_transaction_read_only = on")
            store._engine.pool.dispose_idle()  # as when the server restarts
            store.list_runs(RunFilter())
            owner.execute(f"ALTER DATABASE {owner.info.dbname} RESET default_transaction_read_only")
            assert use()
