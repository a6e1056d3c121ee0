"""What the command line says of a database: one that is not there, not Spine's, without tables; and `spine db`."""

import sqlite3
from contextlib import closing

import pytest

READING = [
    "runs list",
    "runs show r1",
    "runs cancel r1",
    "checkpoints list r1",
    "checkpoints show r1",
    "checkpoints delete r1",
    "retention run --days 3",
    "retention run --days 3 --dry-run",
    "resume r1",
    "recover",
]


@pytest.mark.parametrize("words", READING)
def test_a_file_that_is_not_there_is_told_and_not_made(spine, place, words):
    said = spine(*words.split(), "--database-url", "sqlite:///slip.db")

    assert (said.code, said.out) == (1, "")
    assert "slip.db does not exist; name the right one (--database-url, SPINE_DATABASE_URL), or make it" in said.err
    assert "with: spine db upgrade --database-url sqlite:///slip.db" in said.err
    assert list(place.glob("slip*")) == []


@pytest.mark.parametrize("words", ["runs list", "db check"])
def test_a_folder_that_is_not_there_is_told_and_no_remedy_that_needs_it(spine, words):
    said = spine(*words.split(), "--database-url", "sqlite:///slip/spine.db")

    assert said.code == 1
    assert "spine.db does not exist, nor does its folder; name the right one" in said.err
    assert "db upgrade" not in said.err


@pytest.mark.parametrize("words", ["runs list", "resume r1", "recover", "doctor", "db check"])
def test_a_file_of_somebody_else_is_left_as_it_is(spine, place, words):
    with closing(sqlite3.connect(place / "customers.db")) as connection, connection:
        connection.execute("CREATE TABLE customers (name TEXT)")
    before = (place / "customers.db").read_bytes()

    said = spine(*words.split(), "--database-url", "sqlite:///customers.db")

    assert said.code == 1
    assert "no tables" in said.all
    assert "if it is" in said.all
    assert "right" in said.all
    assert "spine db upgrade" in said.all
    assert (place / "customers.db").read_bytes() == before


def test_who_only_asks_for_the_tables_of_a_file_makes_none(spine, sqlite_url, tmp_path):
    before = list(tmp_path.iterdir())
    current, checked = (spine("db", word, "--database-url", sqlite_url) for word in ("current", "check"))

    assert (current.code, checked.code) == (0, 1)
    assert "does not exist yet" in current.out
    assert "does not exist; name the right one (--database-url, SPINE_DATABASE_URL), or make it" in checked.err
    assert list(tmp_path.iterdir()) == before


def test_the_tables_are_made_checked_and_shown_on_sqlite(spine, sqlite_url):
    _make_check_and_show(spine, sqlite_url)


def test_the_tables_are_made_checked_and_shown_on_postgresql(spine, empty_postgres_url):
    assert "spine db upgrade" in spine("runs", "list", "--database-url", empty_postgres_url).err
    _make_check_and_show(spine, empty_postgres_url)


def _make_check_and_show(spine, url):
    before = spine("db", "current", "--json", "--database-url", url)
    unfit = spine("db", "check", "--database-url", url)
    made = spine("db", "upgrade", "--database-url", url)
    again = spine("db", "upgrade", "--json", "--database-url", url)
    after = spine("db", "check", "--json", "--database-url", url)

    assert before.json["revision"] is None
    assert unfit.code == 1
    assert "spine db upgrade" in unfit.err
    assert "is now at revision" in made.out
    assert again.json["was"] == again.json["revision"] == again.json["head"]
    assert after.code == 0
    assert after.json["is_current"] is True
    assert spine("runs", "list", "--json", "--database-url", url).json == []


def test_a_database_that_is_not_there_is_explained(spine, place):
    (place / "not.db").write_text("this is no database, and it is long enough to be told from an empty file\n" * 20)

    for url in ("sqlite:////nonexistent/folder/x.db", "sqlite:///not.db", "postgresql://u@127.0.0.1:1/x"):
        said = spine("runs", "list", "--database-url", url)
        assert (said.code, said.out) == (1, "")
        assert said.err.count("\n") == 1


def test_a_database_that_was_restored_by_half_is_not_as_it_should_be(spine, place):
    spine("db", "upgrade")
    with closing(sqlite3.connect(place / "spine.db")) as connection:
        connection.execute("DROP VIEW core_workflow_contexts")

    said = spine("db", "check")

    assert said.code == 1
    assert "is at revision 0003 and lacks core_workflow_contexts; restore it from a backup that is whole" in said.err
