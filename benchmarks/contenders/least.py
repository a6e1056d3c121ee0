"""The least Python that could do it: one loop that encodes, writes both documents and sends Spine's statement.

It has no results, contexts, events, retries or signals, and nothing renews its lease. What Spine takes beyond this is
what could be gained at most; what this takes beyond the statement is the price of writing it in Python.
"""

from typing import Any

import orjson

from benchmarks.contender import POSTGRESQL, SQLITE
from benchmarks.contenders.statement import Statement, step_name
from benchmarks.work import Work
from spine import __version__, clock
from spine.codec import json as codec
from spine.stores.snapshots import PYTHON_VERSION, WHOLE_BYTES
from spine.stores.sql.session import Session
from spine.stores.sql.statements import compile_writes


class Least(Statement):
    """What it writes is what Spine writes."""

    name = "a bare loop"
    needs = "spine"
    kinds = (POSTGRESQL, SQLITE)
    durability = "synchronous_commit=on; WAL with synchronous=FULL"

    def write_steps(self, work: Work, session: Session, known: dict[str, Any]) -> None:
        """Perform each step and write its checkpoint."""
        writes = compile_writes(self.engine.dialect)
        names = [step_name(step) for step in range(work.steps + 1)]
        outputs: dict[str, orjson.Fragment] = {}
        size = 0
        for step in range(work.steps):
            name, started_at, start = names[step], clock.now(), clock.stopwatch()
            output = work.perform(step, work.output)
            seconds = clock.stopwatch() - start
            text = codec.encode(output)
            outputs[name] = orjson.Fragment(text)
            size += len(text)
            is_whole = step == 0 or size < WHOLE_BYTES
            snapshot = _snapshot(work.run, name, outputs if is_whole else {name: outputs[name]}, is_whole=is_whole)
            values = {
                **known,
                "step_name": name,
                "sequence": step + 1,
                "next_step": names[step + 1],
                "left_at": name if step else None,
                "context_snapshot": snapshot,
                "size": len(snapshot),
                "base_sequence": None if is_whole else step,
                "metadata": orjson.dumps({"attempt": 1, "duration": round(seconds, 6), "started_at": started_at}),
            }
            session.run(writes.go_on, values, question=writes.is_saved)


def _snapshot(run: str, name: str, outputs: dict[str, orjson.Fragment], *, is_whole: bool) -> bytes:
    metadata = {"created_at": clock.now(), "python_version": PYTHON_VERSION, "spine_version": __version__}
    document = {
        "schema_version": 1,
        "run_id": run,
        "workflow_name": "work",
        "step_name": name,
        "outputs": outputs,
        "quality_metrics": {},
        "metadata": metadata,
    }
    return orjson.dumps({**document, "params": {}, "partition": {}} if is_whole else document, option=orjson.OPT_UTC_Z)


CONTENDER = Least
