"""What every store must do, as tests that pytest finds through a subclass.

Whoever writes a store of their own proves it with a class whose `store` fixture gives an empty one, and closes it::

    from contextlib import closing

    import pytest

    from spine.testing.contract import StoreContract


    class TestMyStore(StoreContract):
        @pytest.fixture
        def store(self, tmp_path):
            with closing(MyStore(tmp_path)) as store:
                yield store

`StoreContract` is all of it; the others hold a store to one noun. pytest must be installed. The store must take
snapshots of 1 MB and be usable from ten threads.
"""

from spine.testing.contract.changes import ChangesContract
from spine.testing.contract.checkpoints import CheckpointsContract
from spine.testing.contract.claims import ClaimsContract
from spine.testing.contract.events import EventsContract
from spine.testing.contract.health import HealthContract
from spine.testing.contract.leases import LeasesContract
from spine.testing.contract.renaming import RenamingContract
from spine.testing.contract.retention import RetentionContract
from spine.testing.contract.runs import RunsContract
from spine.testing.contract.store import StoreContract
from spine.testing.contract.values import ValuesContract

__all__ = [
    "ChangesContract",
    "CheckpointsContract",
    "ClaimsContract",
    "EventsContract",
    "HealthContract",
    "LeasesContract",
    "RenamingContract",
    "RetentionContract",
    "RunsContract",
    "StoreContract",
    "ValuesContract",
]
