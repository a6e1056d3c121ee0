"""`StoreContract`: all that a store must do, in one class."""

from spine.testing.contract.changes import ChangesContract
from spine.testing.contract.checkpoints import CheckpointsContract
from spine.testing.contract.claims import ClaimsContract
from spine.testing.contract.events import EventsContract
from spine.testing.contract.health import HealthContract
from spine.testing.contract.leases import LeasesContract
from spine.testing.contract.renaming import RenamingContract
from spine.testing.contract.retention import RetentionContract
from spine.testing.contract.runs import RunsContract
from spine.testing.contract.values import ValuesContract


class StoreContract(
    RunsContract,
    ClaimsContract,
    RenamingContract,
    LeasesContract,
    CheckpointsContract,
    ChangesContract,
    ValuesContract,
    EventsContract,
    RetentionContract,
    HealthContract,
):
    """All that a store must do."""
