"""A store refuses a snapshot over its limit, and the run stays as it was."""

from contextlib import closing

import pytest

from spine.codec.limits import Limits
from spine.errors import NotStorable
from spine.stores.open import open_store
from spine.testing.contract.drive import COMPLETED, driving, everything


@pytest.fixture
def store(store_url):
    with closing(open_store(store_url, limits=Limits(max_bytes=2000))) as store:
        yield store


@pytest.mark.parametrize("ending", [None, COMPLETED], ids=["step", "last step"])
def test_a_snapshot_over_the_limit_is_refused_naming_the_step(store, ending):
    with driving(store) as drive:
        drive.save("extract")
        before = everything(store)

        with pytest.raises(NotStorable, match="'transform'") as caught:
            drive.save("transform", {"text": "x" * 2000}, ending=ending)

        assert "2,000 bytes" in str(caught.value)
        assert everything(store) == before


def test_a_snapshot_within_the_limit_is_kept(store):
    with driving(store) as drive:
        drive.save("extract", {"text": "x" * 1000})

    assert store.get_checkpoint("run-1").step_outputs == {"extract": {"text": "x" * 1000}}
