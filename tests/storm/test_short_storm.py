"""One short round of every kind of storm; `make storm` does hundreds of long ones."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import POSTGRES
from tests.servers.session import Session
from tests.storm.kind import Kind
from tests.storm.kinds import KINDS
from tests.storm.lane import rage
from tests.storm.place import SQLITE, Place, open_place

SEED = "short"
# SQLite gets every other kind that it can have, each PostgreSQL its share of the rest.
PLACES = {
    "kills": POSTGRES[-1],
    "signals": SQLITE,
    "zombies": POSTGRES[0],
    "races": SQLITE,
    "purges": POSTGRES[-1],
    "crowds": SQLITE,
    "cuts": POSTGRES[0],
    "restarts": POSTGRES[-1],
}


@pytest.fixture
def place(kind: Kind, session: Session) -> Iterator[Place]:
    with ExitStack() as stack:
        yield stack.enter_context(open_place(PLACES[kind.name], session))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_short_storm_breaks_no_promise(kind: Kind, place: Place, tmp_path: Path):
    tally = rage(kind, place, 1, seed=SEED, folder=tmp_path)

    assert tally.told() == []
