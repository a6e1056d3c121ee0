"""Every store that Spine ships keeps the contract."""

from contextlib import closing

import pytest

from spine.stores.open import open_store
from spine.testing.contract import StoreContract


class TestStore(StoreContract):
    @pytest.fixture
    def store(self, store_url):
        with closing(open_store(store_url)) as store:
            yield store
