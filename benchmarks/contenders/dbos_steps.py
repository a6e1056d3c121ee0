"""DBOS: a workflow function whose steps are recorded."""

from functools import partial

from dbos import DBOS, SetWorkflowID

from benchmarks.contender import POSTGRESQL, SQLITE
from benchmarks.work import Output, Work


class DbosSteps:
    """As it ships, with its log at errors only."""

    name = "DBOS"
    needs = "dbos"
    kinds = (POSTGRESQL, SQLITE)
    durability = "synchronous_commit=on; SQLite's default journal (DELETE), synchronous=FULL"

    def open(self, url: str) -> None:
        """See `Contender`."""
        self._works: dict[str, Work] = {}
        DBOS(config={"name": "benchmarks", "system_database_url": url, "log_level": "ERROR"})

        def perform_all(run: str) -> None:
            self._perform_all(self._works[run])

        self._workflow = DBOS.workflow(name="work")(perform_all)
        DBOS.launch()

    def drive(self, work: Work) -> None:
        """See `Contender`."""
        self._works[work.run] = work
        with SetWorkflowID(work.run):
            self._workflow(work.run)

    def stored(self, work: Work) -> list[Output]:
        """See `Contender`."""
        return [step["output"] for step in DBOS.list_workflow_steps(work.run) if step["output"] is not None]

    def close(self) -> None:
        """See `Contender`."""
        DBOS.destroy()

    def _perform_all(self, work: Work) -> None:
        outputs: list[Output] = []
        for step in range(work.steps):
            outputs.append(DBOS.run_step({"name": f"step{step}"}, partial(work.perform, step, outputs.__getitem__)))


CONTENDER = DbosSteps
