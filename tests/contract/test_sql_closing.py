"""No connection outlives its store, whoever is still at work when it is closed."""

from collections import Counter

import pytest
from sqlalchemy import event

from spine.stores.protocol import RunFilter
from spine.testing.contract.drive import driving


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
