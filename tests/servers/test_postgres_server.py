"""The servers that tests run against keep what their fixtures promise."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests.servers import guardian
from tests.servers.clusters import own_server, shared_server
from tests.servers.databases import migrated_template
from tests.servers.installations import NoPostgres, find_installations, installation_named
from tests.servers.postgres import NotStarted, PostgresServer
from tests.servers.session import Session

ROOT = Path(__file__).parents[2]
SESSION_TO_BE_KILLED = """
import signal, sys
from pathlib import Path
from tests.servers.clusters import shared_server
from tests.servers.installations import find_installations
from tests.servers.session import Session

session = Session.open(Path(sys.argv[1]))
for name in sys.argv[2:]:
    shared_server(session, find_installations()[name])
print(session.folder, flush=True)
signal.pause()
"""


def ask(url: str, question: str):
    with psycopg.connect(url) as connection:
        return connection.execute(question).fetchone()


def tell(url: str, *statements: str) -> None:
    with psycopg.connect(url) as connection:
        for statement in statements:
            connection.execute(statement)


def make_table(url: str) -> None:
    tell(url, "CREATE TABLE made (value integer)", "INSERT INTO made VALUES (42)")


@pytest.fixture(params=find_installations())
def name(request) -> str:
    return request.param


@pytest.fixture
def base(session) -> Iterator[Path]:
    """Where a test opens sessions of its own."""
    base = session.folder / f"base-{uuid4().hex}"
    base.mkdir()
    base.chmod(0o711)
    yield base
    shutil.rmtree(base)


@contextmanager
def session_to_be_killed(base: Path, *names: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process with a session and servers of its own, and the folder of that session."""
    command = [sys.executable, "-c", SESSION_TO_BE_KILLED, base, *names]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


def test_every_database_is_a_new_one(postgres):
    with postgres.database() as one, postgres.database() as other:
        make_table(one)

        assert ask(one, "SELECT value FROM made") == (42,)
        assert ask(other, "SELECT to_regclass('made')") == (None,)


def test_a_database_is_dropped_even_if_somebody_is_connected(postgres):
    with postgres.database() as url:
        left_open = psycopg.connect(url)

    left_open.close()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)


def test_the_template_is_migrated_once_and_copied_whole(own_postgres):
    migrated = []

    def migrate(url):
        migrated.append(url)
        make_table(url)

    for _ in range(2):
        with own_postgres.database(migrated_template(own_postgres, migrate)) as url:
            assert ask(url, "SELECT value FROM made") == (42,)
    assert len(migrated) == 1


def test_a_migration_that_failed_leaves_no_template(own_postgres):
    def fail(url):
        make_table(url)
        raise LookupError

    with pytest.raises(LookupError):
        migrated_template(own_postgres, fail)

    with own_postgres.database(migrated_template(own_postgres, make_table)) as url:
        assert ask(url, "SELECT value FROM made") == (42,)


def test_a_migrated_database_has_the_tables_and_nothing_in_them(postgres_url):
    assert ask(postgres_url, "SELECT count(*) FROM core_workflow_runs") == (0,)


def test_an_empty_database_has_no_tables(empty_postgres_url):
    assert ask(empty_postgres_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == (0,)


def test_the_url_is_of_the_database_that_the_test_is_named_after(request, store_url):
    name = request.node.callspec.id

    if name.startswith("postgres"):
        assert name.removeprefix("postgres") == ask(store_url, "SHOW server_version")[0].partition(".")[0]
    else:
        assert store_url.startswith(f"{name}://")


def test_only_the_right_password_opens_the_server(postgres):
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres.url().replace(postgres.secret, "guess"))


def test_the_server_listens_on_loopback_alone(postgres):
    assert ask(postgres.url(), "SHOW listen_addresses") == ("127.0.0.1",)
    assert ask(postgres.url(), "SHOW unix_socket_directories") == ("",)


def test_the_server_does_not_run_as_root(postgres):
    assert (postgres.folder / "data" / "postmaster.pid").stat().st_uid != 0


def test_every_process_of_a_session_gets_the_same_server(session, name):
    installation = find_installations()[name]

    mine = shared_server(session, installation)
    that_of_a_worker = shared_server(Session.join(session.folder), installation)

    assert that_of_a_worker == mine


def test_a_killed_server_comes_back_on_its_port_with_what_was_committed(own_postgres):
    url = own_postgres.create_database()
    make_table(url)

    with psycopg.connect(url) as cut_off:
        own_postgres.kill()
        with pytest.raises(psycopg.OperationalError):
            cut_off.execute("SELECT 1")
    own_postgres.start()

    assert ask(url, "SELECT value FROM made") == (42,)


@pytest.mark.parametrize("mode", ["smart", "fast", "immediate"])
def test_a_restarted_server_has_its_old_url(own_postgres, mode):
    url = own_postgres.create_database()
    make_table(url)

    own_postgres.restart(mode)

    assert ask(url, "SELECT value FROM made") == (42,)


def test_a_stopped_server_lets_nobody_in(own_postgres):
    own_postgres.stop()
    own_postgres.stop()

    assert not own_postgres.is_running()
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(own_postgres.url())


def test_a_server_of_the_tests_own_takes_settings(new_postgres):
    one, other = new_postgres(max_connections="20"), new_postgres(fsync="on")

    assert ask(one.url(), "SHOW max_connections") == ("20",)
    assert ask(other.url(), "SHOW fsync") == ("on",)


def test_a_server_that_cannot_start_shows_its_log(new_postgres):
    with pytest.raises(NotStarted, match="unrecognized configuration parameter"):
        new_postgres(no_such_setting="on")


def test_a_running_server_is_not_started_again(own_postgres):
    with pytest.raises(NotStarted, match="runs already"):
        own_postgres.start()


def test_nothing_is_left_of_a_closed_session(base, name):
    session = Session.open(base)
    server = shared_server(session, find_installations()[name])

    session.close()

    assert not list(base.iterdir())
    assert_nobody_answers(server)


def test_nothing_is_left_of_a_killed_session(base, name):
    with session_to_be_killed(base, name) as (process, folder):
        server = PostgresServer.load(folder / f"shared-{find_installations()[name].major}.json")

        with (server.folder / "running").open("rb+") as running:
            process.kill()
            fcntl.flock(running, fcntl.LOCK_EX)

    assert not list(base.iterdir())
    assert_nobody_answers(server)


def test_what_outlived_a_killed_session_is_removed_by_the_next(base):
    with session_to_be_killed(base) as (process, folder):
        process.kill()
        process.wait()
        assert folder.exists()

        Session.open(base).close()

    assert not list(base.iterdir())


def test_a_server_started_where_signals_are_ignored_ends_with_its_session(base):
    session = Session.open(base)
    folder = session.folder / "server"
    folder.mkdir()
    identity = (session.folder, folder, os.geteuid(), os.getegid())
    before = signal.signal(signal.SIGQUIT, signal.SIG_IGN)  # as a shell does in the background
    try:
        subprocess.run([sys.executable, "-I", guardian.__file__, *map(str, identity), "sleep", "1000"], check=True)
    finally:
        signal.signal(signal.SIGQUIT, before)

    session.close()

    assert not session.folder.exists()


def test_a_session_leaves_others_that_live_alone(base):
    mine = Session.open(base)

    Session.open(base).close()

    assert list(base.iterdir()) == [mine.folder]
    mine.close()


def test_programs_out_of_reach_are_copied_to_where_the_server_reaches_them(session, tmp_path):
    wheel = next(found for found in find_installations().values() if found.parts)
    home = tmp_path / "home"
    for part in wheel.parts:
        shutil.copytree(wheel.home / part, home / part)
    home.chmod(0o700)

    with own_server(session, replace(wheel, major=99, home=home)) as server:
        assert ask(server.url(), "SELECT 1") == (1,)
        assert server.program.is_relative_to(home) == server.account.is_ours()


def test_a_machine_without_postgres_fails_the_tests_that_need_one():
    with pytest.raises(NoPostgres, match="pip install"):
        installation_named("postgres", {})


def assert_nobody_answers(server: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(server.url())
