"""A short round of every kind of storm; `make storm` does hundreds of long ones."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import INSTALLATIONS, POSTGRES
from tests.servers.clusters import shared_server
from tests.servers.installations import installation_named
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
STOPS_ITS_SERVER = "restarts"


@pytest.fixture
def place(kind: Kind, session: Session) -> Iterator[Place]:
    name = PLACES[kind.name]
    with ExitStack() as stack:
        if name == SQLITE or kind.name == STOPS_ITS_SERVER:
            yield stack.enter_context(open_place(name, session))
        else:
            yield Place(name=name, server=shared_server(session, installation_named(name, INSTALLATIONS)))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_short_storm_breaks_no_promise(kind: Kind, place: Place, tmp_path: Path):
    tally = rage(kind, place, 1, seed=SEED, folder=tmp_path, is_short=True)

    assert tally.told() == []
