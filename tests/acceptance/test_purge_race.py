"""A purge at the very moment of a resume: exactly one of them gets the run (INV-73)."""

from contextlib import closing

import pytest

from spine.orchestration import Registry, RunExpired, Step, Workflow, WorkflowRunner
from spine.stores.protocol import PurgeOrder
from spine.stores.sql.store import SqlStore
from tests.contract.rows import Rows

ALL = PurgeOrder(days=1, failed_days=1)


class PurgedStore(SqlStore):
    """A store in which a purge comes between two of the reads of whoever claims a run."""

    def list_checkpoints(self, run_id):
        found = super().list_checkpoints(run_id)
        self.purge_runs(ALL)
        return found


def test_a_run_purged_between_two_reads_of_a_resume_says_that_it_has_expired(database_url: str):
    ran = []
    steps = [
        Step.lambda_("extract", lambda ctx, config: ran.append("extract") or {}),
        Step.lambda_("load", lambda ctx, config: ran.append("load") or None),
    ]
    with closing(PurgedStore(database_url)) as store:
        runner = WorkflowRunner(store=store, registry=Registry())
        assert runner.execute(Workflow("orders", steps), run_id="run-1").status == "failed"
        with closing(Rows(database_url)) as rows:
            rows.age("run-1", days=3)

        with pytest.raises(RunExpired):
            runner.resume("run-1")

    assert ran == ["extract", "load"]
