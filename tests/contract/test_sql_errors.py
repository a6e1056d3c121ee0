"""What goes wrong outside: an exception of Spine says what and where, and never the password."""

import logging
import socket
import sqlite3
import threading
import traceback
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
import sqlalchemy

from spine.errors import InvalidSetting, StoreBusy, StoreError, StoreFull, StoreUnavailable
from spine.stores.open import open_store
from spine.stores.protocol import RunFilter
from spine.stores.sql import timeouts
from spine.stores.sql.engine import make_engine
from spine.stores.sql.session import Session
from spine.stores.sql.url import parse_url
from spine.testing.contract.drive import FAILED, create, driving, everything, new_run, run_to
from tests.contract.roles import SECRET, as_role, role


def refusal(url, kind=StoreUnavailable):
    """What the store of this URL says to whoever asks it for something; it must be of exactly this kind."""
    with closing(open_store(url)) as store:
        with pytest.raises(StoreError) as reading:
            store.list_runs(RunFilter())
        with pytest.raises(StoreError) as writing:
            store.create_run(new_run())
        told = [reading.value, writing.value]
    assert [type(error) for error in told] == [kind, kind]
    assert {str(error) for error in told} == {str(told[0])}
    return str(told[0]), "".join(line for error in told for line in traceback.format_exception(error))


def free_port():
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return listener.getsockname()[1]


def test_a_server_that_does_not_run_is_unavailable():
    message, trace = refusal(f"postgresql://ann:{SECRET}@127.0.0.1:{free_port()}/db")

    assert "postgresql://ann:***@127.0.0.1:" in message
    assert "cannot be reached" in message
    assert SECRET not in message + trace


def test_a_host_that_nobody_knows_is_unavailable():
    message, trace = refusal(f"postgresql://ann:{SECRET}@nowhere.invalid/db")

    assert "cannot be reached" in message
    assert SECRET not in message + trace


@contextmanager
def server_that_says(message):
    """A server that answers every connection with this error, as a pooler does before there is a session."""
    fields = f"SFATAL\0C08P01\0M{message}\0\0".encode()

    def answer(listener):
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(b"E" + (len(fields) + 4).to_bytes(4) + fields)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=answer, args=[listener])
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_a_pooler_that_refuses_settings_is_said_with_the_remedy():
    with server_that_says("unsupported startup parameter: options") as port:
        message, _ = refusal(f"postgresql://ann@127.0.0.1:{port}/db?sslmode=disable&gssencmode=disable")

    assert "it is behind a pooler; add ?pooler=transaction to the URL" in message
    assert "unsupported startup parameter: options" in message


def test_a_wrong_password_is_said_and_never_shown(postgres, postgres_url):
    message, trace = refusal(postgres_url.replace(postgres.secret, SECRET))

    assert "refuses the login; check user and password" in message
    assert "password authentication failed" in message
    assert "cannot be reached" not in message
    assert SECRET not in message + trace


def test_a_database_that_is_not_there_is_said(postgres):
    message, trace = refusal(postgres.url("no_such_database"))

    assert "there is no such database; create it first" in message
    assert 'database "no_such_database" does not exist' in message
    assert "cannot be reached" not in message
    assert postgres.secret not in message + trace
    assert quote(postgres.password, safe="") not in message + trace


def test_a_role_without_permission_is_said(postgres, postgres_url):
    with role(postgres) as name:
        message, trace = refusal(as_role(postgres_url, name))

    assert "lacks a permission; to see which, run: spine doctor" in message
    assert SECRET not in message + trace


def test_too_many_connections_are_said(postgres, postgres_url):
    with role(postgres, "CONNECTION LIMIT 0") as name:
        message, trace = refusal(as_role(postgres_url, name))

    assert "too many connections" in message
    assert SECRET not in message + trace


def test_a_row_that_stays_locked_is_busy_on_postgresql(postgres_url):
    with closing(open_store(f"{postgres_url}?options=-c%20lock_timeout%3D50ms")) as store, driving(store) as drive:
        before = everything(store)
        with psycopg.connect(postgres_url) as other:
            other.execute("SELECT 1 FROM core_workflow_runs FOR UPDATE")
            with pytest.raises(StoreBusy, match="lock"):
                drive.save("extract")
            with pytest.raises(StoreBusy, match="lock"):
                store.cancel_run("run-1")

        assert everything(store) == before
        drive.save("extract")


def test_a_statement_that_takes_too_long_is_busy_on_postgresql(postgres_url):
    with closing(open_store(f"{postgres_url}?options=-c%20statement_timeout%3D50ms")) as store:
        create(store, new_run())
        with psycopg.connect(postgres_url) as other:
            other.execute("SELECT 1 FROM core_workflow_runs FOR UPDATE")

            with pytest.raises(StoreBusy, match="took longer"):
                store.cancel_run("run-1")


def test_a_file_that_stays_locked_is_busy_after_the_time_allowed(sqlite_url, monkeypatch):
    monkeypatch.setattr(timeouts, "BUSY_SECONDS", 0.05)
    with closing(open_store(sqlite_url)) as store, driving(store) as drive:
        before = everything(store)
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for write in (lambda: drive.save("extract"), lambda: store.cancel_run("run-1")):
                with pytest.raises(StoreBusy, match=r"spine\.db stayed locked by another process for 0\.05 s"):
                    write()
            assert store.get_run("run-1") == before.run

        assert everything(store) == before
        drive.save("extract")


def test_sqlite_waits_ten_seconds_for_a_lock(sqlite_url):
    with closing(open_store(sqlite_url)) as store, store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 10_000


def test_a_file_that_is_not_a_database_is_said(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text("day,rows\n" * 500)

    message, _ = refusal(f"sqlite:///{path}")

    assert "orders.csv is not a SQLite database" in message
    assert path.read_text() == "day,rows\n" * 500


def test_a_damaged_file_is_said(sqlite_store, sqlite_url):
    run_to(sqlite_store, FAILED)
    sqlite_store.close()
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * (path.stat().st_size - 4096))

    message, _ = refusal(sqlite_url)

    assert "damaged" in message


def test_a_folder_is_no_database(tmp_path):
    message, _ = refusal(f"sqlite:///{tmp_path}")

    assert message.endswith("it is a folder; name a file in it")


def test_a_folder_that_is_not_there_is_said(tmp_path):
    message, _ = refusal(f"sqlite:///{tmp_path}/missing/spine.db")

    assert "cannot open" in message
    assert "folder exists" in message
    assert not (tmp_path / "missing").exists()


def test_a_file_that_may_only_be_read_says_so_when_it_is_written(sqlite_store, sqlite_url):
    run_to(sqlite_store, FAILED)
    sqlite_store.close()
    _forbid_writing(Path(sqlite_url.removeprefix("sqlite:///")))

    with closing(open_store(sqlite_url)) as store:
        assert store.get_run("run-1").status == "failed"
        with pytest.raises(StoreUnavailable, match=r"spine\.db is read-only"):
            store.cancel_run("run-1")


def test_a_full_disk_is_said_and_what_was_committed_stays(sqlite_store):
    sqlalchemy.event.listen(
        sqlite_store._engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count = 60")
    )
    with driving(sqlite_store) as drive:
        drive.save("extract")
        before = everything(sqlite_store)
        with pytest.raises(StoreFull, match="no space left for .*; free some and try again"):
            drive.save("transform", {"text": "x" * 1_000_000})

        assert everything(sqlite_store) == before
        drive.writer.end_run(FAILED)


def _forbid_writing(path):
    """By the version in its header that only newer programs may write: permissions do not bind root."""
    content = bytearray(path.read_bytes())
    content[18] = 3
    path.write_bytes(content)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ann:{SECRET}@host:port/db",
        f"postgresql://ann:{SECRET}@[::1/db",
        f"postgresql//ann:{SECRET}@host/db",
        f"ann:{SECRET}@host/db",
        f"mysql://ann:{SECRET}@host/db",
        f"postgresql+asyncpg://ann:{SECRET}@host/db",
        f"{SECRET}",
        f"sqlite://ann:{SECRET}@host/spine.db",
        f"sqlite:///spine.db?key={SECRET}",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "",
        "  ",
    ],
)
def test_a_url_that_means_nothing_is_refused_without_repeating_its_password(url):
    with pytest.raises(InvalidSetting) as caught:
        open_store(url)

    assert SECRET not in "".join(traceback.format_exception(caught.value)).replace(f"url = '{url}'", "")
    assert "sqlite:///spine.db" in str(caught.value)


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("sqlite:///spine.db?timeout=x", "takes no options"),
        ("sqlite:///spine.db?mode=ro", "takes no options"),
        (
            "sqlite:///why?.db",
            "an option of the database URL has no value; leave it out, and write a ? in a name as %3F",
        ),
        ("sqlite:///spine.db?mode=", "has no value"),
        ("postgresql://u:p%3Fw@localhost/x?sslmode", "has no value"),
        (f"postgresql://u@localhost/x?password=a&{SECRET}", "a & in a value as %26"),
        ("sqlite:///file:x?mode=memory&uri=true", "takes no options"),
        (f"sqlite://ann:{SECRET}@/spine.db", "no host"),
        ("sqlite:///spine\0.db", "cannot be printed"),
        ("sqlite:///spine.db\n", "cannot be printed"),
        ("sqlite:///\udcff.db", "cannot be printed"),
        ("sqlite:///spine%00.db?x=%00", "NUL"),
        (f"postgresql://ann:{SECRET}\udcff@127.0.0.1/db", "cannot be printed"),
        (f"postgresql://ann:a%00{SECRET}@127.0.0.1/db", "NUL"),
        (f"postgresql://127.0.0.1/db?password=a%00{SECRET}", "NUL"),
        (f"postgresql://ann@127.0.0.1/db;password={SECRET}", "follow a ?"),
        (f"postgresql://ann:{SECRET}@127.0.0.1:99999/db", "port"),
        (f"postgresql://127.0.0.1/db?dbname=postgresql://ann:{SECRET}%40127.0.0.1/db", "after the host"),
        (f"postgresql://127.0.0.1/db?dbname=postgresql://ann:{SECRET}@127.0.0.1/db", "before the host"),
        (f"postgresql://127.0.0.1/db?bogus={SECRET}", "'bogus' is none"),
        (f"postgresql://ann:{SECRET}@127.0.0.1/db?conect_timeout=3", "did you mean connect_timeout?"),
        (f"postgresql://ann:{SECRET}@127.0.0.1/db?connect_timeout=soon", "whole number"),
        (f"postgresql://ann:{SECRET}@127.0.0.1/db?autocommit=1", "is none"),
        (f"postgresql://ann:{SECRET}@127.0.0.1/db?sslmode=require&sslmode=disable", "more than once"),
        (f"postgresql://ann:a@{SECRET}@127.0.0.1/db", "write it as %40"),
        (f"postgresql://ann:a@b/{SECRET}@127.0.0.1:5432/db", "write it as %40"),
        (f"postgresql://ann:a@b?{SECRET}@127.0.0.1/db=1", "write it as %40"),
        (f"postgresql://ann:a@{SECRET}?b@127.0.0.1/db", "write it as %40"),
        (f"postgresql://ann:a@{SECRET}?user=b@127.0.0.1/db", "write it as %40"),
    ],
)
def test_a_url_that_no_driver_takes_is_refused_with_the_remedy(url, remedy):
    with pytest.raises(InvalidSetting) as caught:
        open_store(url)

    assert remedy in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("url", [None, 5, b"sqlite:///spine.db", Path("spine.db")])
def test_a_url_must_be_text(url):
    with pytest.raises(InvalidSetting):
        open_store(url)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ann:{SECRET}@127.0.0.1/db",
        f"postgresql://ann@corp:a/b?c#{SECRET}@127.0.0.1/d%40b?application_name=a%40b",
        f"postgres://ann:{SECRET}@127.0.0.1/db",
        f"postgresql://127.0.0.1/db?user=ann&password={SECRET}",
        f"postgresql://127.0.0.1/db?sslpassword={SECRET}",
        f"postgresql://127.0.0.1/db?oauth_client_secret={SECRET}",
    ],
)
def test_where_a_store_is_can_be_shown_to_anybody(url):
    with closing(open_store(url)) as store:
        assert SECRET not in store.location + repr(store) + repr(store._engine)
        assert store.location.startswith("postgresql://")


@pytest.mark.parametrize("query", ["sslmode=maybe", "target_session_attrs=best"])
def test_an_option_that_the_driver_refuses_is_said(query):
    message, trace = refusal(f"postgresql://ann:{SECRET}@127.0.0.1:{free_port()}/db?{query}")

    assert query.split("=")[0] in message
    assert "mend the URL" in message
    assert SECRET not in message + trace


class Freeing(logging.Handler):
    """Closes a connection when it hears that another one is not to be had."""

    def __init__(self, connection):
        super().__init__()
        self.connection = connection

    def emit(self, record):
        if "store.lost" in record.getMessage():
            self.connection.close()


def test_a_driver_whose_run_is_claimed_waits_for_a_connection(postgres, postgres_url):
    log = logging.getLogger("spine")
    with role(postgres, "CONNECTION LIMIT 1") as name:
        url = as_role(postgres_url, name)
        freeing = Freeing(psycopg.connect(url))
        log.addHandler(freeing)
        engine = make_engine(parse_url(url))
        try:
            session = Session(engine, reconnect_seconds=30)
            session.cursor.execute("SELECT 1")
            session.close()
        finally:
            log.removeHandler(freeing)
            engine.dispose()

        assert freeing.connection.closed


def test_a_connection_that_the_system_refuses_is_unavailable_and_asked_for_again(postgres_url, monkeypatch):
    def refuse(*_arguments, **_options):
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr("spine.stores.sql.connection.BoundedConnection.connect", refuse)
        message, _ = refusal(postgres_url)
        engine = make_engine(parse_url(postgres_url))
        with pytest.raises(StoreUnavailable, match="gave up reconnecting after 0.1 s"):
            Session(engine, reconnect_seconds=0.1)
        engine.dispose()

    assert "cannot be asked: [Errno 24] Too many open files" in message


def test_all_servers_of_a_url_are_told_as_people_write_them():
    with closing(open_store(f"postgresql://ann:{SECRET}@/etl?host=db1:5432&host=db2:5432")) as store:
        assert store.location == "postgresql://ann:***@/etl?host=db1:5432&host=db2:5432"
