"""A connection looks for an answer for a moment before it sleeps, where that is worth it."""

import os

import psycopg
import pytest

from spine import clock
from spine.errors import InvalidSetting
from spine.stores.sql import spinning
from spine.stores.sql.engine import make_engine
from spine.stores.sql.session import Session
from spine.stores.sql.spinning import MOST_LOOKS, Spin
from spine.stores.sql.url import parse_url

LOOK = 10e-6


class Answer:
    """An answer that is there at the n-th look; each look takes so many seconds."""

    def __init__(self, monkeypatch, *, at_look, look_seconds=LOOK):
        self.looks, self._at_look = 0, at_look
        monkeypatch.setattr(clock, "stopwatch", lambda: self.looks * look_seconds)

    def is_there(self):
        self.looks += 1
        return self.looks >= self._at_look


def answers_slept_for(spin, monkeypatch):
    """Count how many answers are not looked for until one is."""
    for count in range(10_000):
        answer = Answer(monkeypatch, at_look=1)
        spin.until(answer.is_there)
        if answer.looks:
            return count
    pytest.fail("it never looks again")


@pytest.mark.parametrize("at_look", [1, 2, 49])
def test_what_is_soon_there_is_looked_for_again(at_look, monkeypatch):
    spin = Spin()

    for _ in range(3):
        answer = Answer(monkeypatch, at_look=at_look)
        spin.until(answer.is_there)
        assert answer.looks == at_look


def test_a_spin_in_vain_takes_half_a_millisecond_and_is_slept_off(monkeypatch):
    spin, answer = Spin(), Answer(monkeypatch, at_look=10**9)

    spin.until(answer.is_there)

    assert 0.0005 <= answer.looks * LOOK <= 0.0006
    assert 19 <= answers_slept_for(spin, monkeypatch) <= 23


def test_one_in_vain_in_fifty_is_not(monkeypatch):
    spin = Spin()

    for _ in range(3):
        for _ in range(49):
            spin.until(Answer(monkeypatch, at_look=10).is_there)
        spin.until(Answer(monkeypatch, at_look=10**9).is_there)
        assert answers_slept_for(spin, monkeypatch) == 0


def test_what_was_saved_for_hours_does_not_keep_it_spinning(monkeypatch):
    spin = Spin()
    for _ in range(10_000):
        spin.until(Answer(monkeypatch, at_look=10).is_there)

    answers = [Answer(monkeypatch, at_look=10**9) for _ in range(10)]
    for answer in answers:
        monkeypatch.setattr(clock, "stopwatch", lambda answer=answer: answer.looks * LOOK)
        spin.until(answer.is_there)

    assert sum(answer.looks > 0 for answer in answers) == 3


def test_a_spin_that_others_took_the_processor_from_is_slept_off_although_the_answer_came(monkeypatch):
    spin = Spin()

    spin.until(Answer(monkeypatch, at_look=1, look_seconds=0.05).is_there)

    assert 1_990 <= answers_slept_for(spin, monkeypatch) <= 2_010


def test_a_machine_that_was_asleep_for_hours_is_not_slept_off_for_hours(monkeypatch):
    spin = Spin()

    spin.until(Answer(monkeypatch, at_look=1, look_seconds=7200.0).is_there)

    assert 3_990 <= answers_slept_for(spin, monkeypatch) <= 4_010


def test_a_clock_that_stands_still_keeps_nobody_spinning(monkeypatch):
    spin, answer = Spin(), Answer(monkeypatch, at_look=10**9, look_seconds=0.0)

    spin.until(answer.is_there)

    assert answer.looks == MOST_LOOKS
    assert answers_slept_for(spin, monkeypatch) > 0


def test_nobody_looks_where_the_processor_cannot_be_given_to_others(monkeypatch):
    spin, answer = Spin(), Answer(monkeypatch, at_look=1)
    monkeypatch.setattr(spinning, "_give_way", None)

    spin.until(answer.is_there)

    assert answer.looks == 0


def test_each_look_in_vain_gives_way(monkeypatch):
    ways = []
    monkeypatch.setattr(spinning, "_give_way", lambda: ways.append(os.getpid()))

    Spin().until(Answer(monkeypatch, at_look=8).is_there)

    assert len(ways) == 7


@pytest.fixture
def connection_of(empty_postgres_url):
    """Give the connection of a session on an empty database, its URL with these options."""
    opened = []

    def connect(options=""):
        engine = make_engine(parse_url(f"{empty_postgres_url}{options}"))
        opened.append((Session(engine, reconnect_seconds=0), engine))
        return opened[-1][0].cursor.connection

    yield connect
    for session, engine in opened:
        session.close()
        engine.dispose()


@pytest.fixture
def looked(monkeypatch):
    """The answers that were looked for."""
    told = []

    def until(_spin, is_there):
        while not is_there():
            pass
        told.append(is_there)

    monkeypatch.setattr(Spin, "until", until)
    return told


@pytest.mark.parametrize("options", ["", "?pooler=transaction"])
def test_an_answer_that_was_spun_for_is_the_one_that_is_given(connection_of, looked, options):
    connection = connection_of(options)

    assert connection.run("SELECT generate_series(1, $1::int)", [b"3"]) == 3
    with pytest.raises(psycopg.errors.DivisionByZero):
        connection.run("SELECT 1 / $1::int", [b"0"])
    assert connection.run("SELECT repeat('a', $1::int)", [b"9000000"]) == 1
    assert len(looked) >= 3


def test_who_wants_no_spinning_says_so_in_the_url(connection_of, looked):
    assert connection_of("?spin=off").run("SELECT $1::int", [b"1"]) == 1

    assert looked == []


def test_any_other_word_is_refused():
    with pytest.raises(InvalidSetting, match="spin of a database URL can be off"):
        parse_url("postgresql://localhost/x?spin=on")


def test_what_a_signal_raises_while_it_spins_leaves_no_late_answer(connection_of, monkeypatch):
    def be_interrupted(_spin, _is_there):
        raise KeyboardInterrupt

    connection = connection_of()
    monkeypatch.setattr(Spin, "until", be_interrupted)

    with pytest.raises(KeyboardInterrupt):
        connection.run("SELECT $1::int", [b"1"])

    assert connection.closed


def test_a_connection_that_ends_while_it_spins_is_told_as_one_that_is_lost(connection_of, looked):
    with pytest.raises(psycopg.OperationalError):
        connection_of().run("SELECT pg_terminate_backend(pg_backend_pid()), $1::int", [b"1"])
