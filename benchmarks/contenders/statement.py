"""What Spine writes for a step and nothing else of Spine: the rows are ready before the run begins."""

from contextlib import closing
from typing import Any

from benchmarks.contender import POSTGRESQL, SQLITE
from benchmarks.contenders.spine import upgrade
from benchmarks.work import Output, Work
from spine import clock
from spine.codec.limits import DEFAULT_LIMITS
from spine.records.checkpoint import Base, NewCheckpoint
from spine.stores import documents, snapshots
from spine.stores.sql.engine import make_engine
from spine.stores.sql.session import Session
from spine.stores.sql.statements import compile_writes, identity
from spine.stores.sql.store import SqlStore
from spine.stores.sql.url import parse_url
from spine.testing.contract.drive import COMPLETED, HOUR, create, new_run

_PERFORMED = {"attempt": 1, "outcome": "completed", "duration": 0.000123, "started_at": clock.now()}


class Statement:
    """The limit of Spine itself: its guarded statement, with the checkpoints that it would write."""

    name = "its statement"
    needs = "spine"
    kinds = (POSTGRESQL, SQLITE)
    durability = "synchronous_commit=on; WAL with synchronous=FULL"

    def open(self, url: str) -> None:
        """See `Contender`."""
        upgrade(url)
        self._store = SqlStore(url)
        self.engine = make_engine(parse_url(url))

    def drive(self, work: Work) -> None:
        """See `Contender`."""
        lease = create(self._store, new_run(work.run, workflow="work"))
        known = {**identity(lease), "lease_seconds": HOUR}
        with closing(Session(self.engine, reconnect_seconds=0)) as session:
            self.write_steps(work, session, known)
        with closing(self._store.writer(lease, lease_seconds=HOUR)) as writer:
            writer.end_run(COMPLETED)

    def write_steps(self, work: Work, session: Session, known: dict[str, Any]) -> None:
        """Write a checkpoint after each step; `known` is what each statement is told of the run and its lease."""
        writes = compile_writes(self.engine.dialect)
        for step, values in enumerate([known | row for row in _rows(work)]):
            work.perform(step, work.output)
            session.run(writes.go_on, values, question=writes.is_saved)

    def stored(self, work: Work) -> list[Output]:
        """See `Contender`."""
        outputs = self._store.get_run(work.run).context.outputs
        return [dict(outputs[step_name(step)]) for step in range(work.steps)]

    def close(self) -> None:
        """See `Contender`."""
        self._store.close()
        self.engine.dispose()


def _rows(work: Work) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    context = new_run(work.run, workflow="work").context
    base = None
    for step in range(work.steps):
        context = context.with_output(step_name(step), work.output(step), limits=DEFAULT_LIMITS)
        new = NewCheckpoint(
            run_id=work.run,
            step_name=step_name(step),
            sequence=step + 1,
            next_step=step_name(step + 1),
            metadata={},
            context=context,
            base=base,
        )
        snapshot, base_sequence = snapshots.write_snapshot(new, limits=DEFAULT_LIMITS)
        rows.append(
            {
                "step_name": new.step_name,
                "sequence": new.sequence,
                "next_step": new.next_step,
                "left_at": new.step_name if step else None,
                "context_snapshot": snapshot,
                "size": len(snapshot),
                "base_sequence": base_sequence,
                "metadata": documents.write_metadata({}, _PERFORMED),
            }
        )
        base = Base(sequence=new.sequence, context=context)
    return rows


def step_name(step: int) -> str:
    """Name a step."""
    return f"step{step}"


CONTENDER = Statement
