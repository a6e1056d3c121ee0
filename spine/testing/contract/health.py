"""What a store promises of its health: an examination tells, and never raises."""

from spine.records.finding import Verdict
from spine.stores.protocol import Store
from spine.testing.contract.drive import FAILED, everything, run_to


class HealthContract:
    """What a store promises of its health."""

    def test_an_examination_says_what_was_seen_and_changes_nothing(self, store: Store) -> None:
        run_to(store, FAILED)
        before = everything(store)

        findings = store.examine()

        assert findings
        assert all(found.subject and found.seen for found in findings)
        assert all(found.remedy for found in findings if found.verdict is not Verdict.FINE)
        assert everything(store) == before
