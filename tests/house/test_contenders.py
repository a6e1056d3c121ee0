"""Each contender of the benchmarks does the work that it is measured for."""

import pytest

from benchmarks import contender, peers
from benchmarks.check import NotDone, check, main
from benchmarks.work import Order, Work
from tests.acceptance.pages import ROOT, blocks_of

OURS = ("limit", "spine", "statement", "least", "sqlalchemy_begin")


@pytest.mark.parametrize("name", OURS)
def test_a_contender_keeps_every_output_where_later_steps_and_other_processes_read_it(name, database_url):
    check(name, database_url)


@pytest.mark.parametrize("name", contender.names())
def test_a_contender_says_what_it_is_without_being_imported(name):
    assert peers.title(name)
    assert peers.durability(name)
    assert peers.kinds(name) <= {contender.POSTGRESQL, contender.SQLITE}


def test_the_peer_that_the_page_on_performance_adds_does_the_work(tmp_path, monkeypatch):
    [block] = [block for block in blocks_of(ROOT / "docs" / "performance.md") if block.value("file")]
    told = {}
    exec(block.text, told)

    monkeypatch.setattr("benchmarks.contenders.limit.CONTENDER", told["CONTENDER"])

    check("limit", f"sqlite:///{tmp_path / 'checked.db'}")


def test_a_contender_that_nobody_wrote_is_refused_with_the_names_there_are(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["check", "sqlite:///never.db", "nobody"])

    with pytest.raises(SystemExit, match="2"):
        main()

    said = capsys.readouterr().err
    assert all(name in said for name in contender.names())


def test_a_contender_that_forgets_an_output_is_found_out(tmp_path, monkeypatch):
    class Forgetful(contender.load("limit").__class__):
        def stored(self, work):
            return super().stored(work)[1:]

    monkeypatch.setattr("benchmarks.contenders.limit.CONTENDER", Forgetful)

    with pytest.raises(NotDone, match="has kept 11 outputs of 12"):
        check("limit", f"sqlite:///{tmp_path / 'forgetful.db'}")


def test_a_step_that_cannot_read_an_earlier_output_is_found_out():
    work = Work(Order(run="unread", steps=2, reads=True))
    work.perform(0, dict)

    with pytest.raises(RuntimeError, match="cannot read the output of step 0"):
        work.perform(1, lambda _step: {})


def test_steps_out_of_order_are_found_out():
    work = Work(Order(run="disordered", steps=2))

    with pytest.raises(RuntimeError, match="step 1 was performed in the place of step 0"):
        work.perform(1, dict)
