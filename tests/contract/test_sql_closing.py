"""No connection outlives its store, whoever is still at work when it is closed."""

import gc
import sys
import threading
from collections import Counter
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import event

from spine.stores.open import open_store
from spine.stores.protocol import RunFilter
from spine.stores.sql.own_connection import OwnConnection
from spine.testing.contract.drive import FAILED, driving, run_to


@pytest.fixture
def connections(sql_store):
    """How many connections were opened and closed."""
    counted = Counter()
    for what in ("connect", "close"):
        event.listen(sql_store._engine, what, lambda *_arguments, what=what: counted.update([what]))
    return counted


def test_a_connection_that_is_in_use_when_its_store_is_closed_is_closed_afterwards(sql_store, connections):
    with driving(sql_store) as drive:
        sql_store.close()
        drive.save("extract")

    assert connections["connect"] > 0
    assert connections["close"] == connections["connect"]


def test_a_store_that_is_asked_after_it_was_closed_keeps_no_connection(sql_store, connections):
    sql_store.close()

    assert list(sql_store.list_runs(RunFilter())) == []
    assert connections["connect"] > 0
    assert connections["close"] == connections["connect"]


@pytest.fixture
def busy_threads():
    """Threads that give way to each other a thousand times as often as usual."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(interval / 1000)
    yield
    sys.setswitchinterval(interval)


def test_a_file_that_some_threads_open_while_others_close_it_is_refused_to_nobody(session):
    url = f"sqlite:///{session.folder}/{uuid4()}.db"  # in memory, where no file gets the inode of one just removed
    with closing(open_store(url)) as store:
        run_to(store, FAILED)
    wrong = []

    def open_and_close():
        try:
            for _ in range(150):
                with closing(open_store(url)) as store:
                    store.get_run("run-1")
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=open_and_close) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


@pytest.mark.usefixtures("busy_threads")
def test_a_connection_may_look_at_the_others_while_threads_open_and_close_theirs(tmp_path):
    path = str(tmp_path / "spine.db")
    idle = [OwnConnection(path) for _ in range(300)]

    def open_and_close():
        for _ in range(100):
            OwnConnection(path).close()

    threads = [threading.Thread(target=open_and_close) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        idle[0].note_log()
    for connection in idle:
        connection.close()


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # which Python 3.13 gives, and is right to give
def test_stores_that_nobody_closes_leave_no_file_open(sqlite_url):
    for number in range(20):
        run_to(open_store(sqlite_url), FAILED, run_id=f"run-{number}")
    gc.collect()

    opened = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert [file for file in opened if file.startswith(sqlite_url.removeprefix("sqlite:///"))] == []
