"""Absurd: a task whose steps are checkpoints, claimed from a queue in PostgreSQL."""

from typing import Any

import psycopg
from absurd_sdk import Absurd
from absurdctl import BUNDLED_SCHEMA_SQL

from benchmarks.contender import POSTGRESQL
from benchmarks.work import Output, Work

_IS_MADE = "SELECT to_regclass('absurd.queues') IS NOT NULL"
_OUTPUTS = """SELECT c.state FROM absurd.c_default c JOIN absurd.t_default t USING (task_id)
    WHERE t.idempotency_key = %s ORDER BY (c.state ->> 'step')::int"""


class AbsurdTasks:
    """Spawns a task for each run and works on it at once."""

    name = "Absurd"
    needs = "absurd_sdk"
    kinds = (POSTGRESQL,)
    durability = "synchronous_commit=on"

    def open(self, url: str) -> None:
        """See `Contender`."""
        self._works: dict[str, Work] = {}
        self._connection = psycopg.connect(url, autocommit=True)
        if not self._connection.execute(_IS_MADE).fetchall()[0][0]:
            self._connection.execute(BUNDLED_SCHEMA_SQL)
        self._client = Absurd(url)
        self._client.create_queue()
        self._client.register_task("work")(self._perform_all)

    def drive(self, work: Work) -> None:
        """See `Contender`."""
        self._works[work.run] = work
        self._client.spawn("work", {"run": work.run}, idempotency_key=work.run)
        self._client.work_batch()

    def stored(self, work: Work) -> list[Output]:
        """See `Contender`."""
        return [state for (state,) in self._connection.execute(_OUTPUTS, (work.run,))]

    def close(self) -> None:
        """See `Contender`."""
        self._client.close()
        self._connection.close()

    def _perform_all(self, params: dict[str, str], ctx: Any) -> None:
        work, outputs = self._works[params["run"]], list[Output]()

        def perform() -> Output:
            return work.perform(len(outputs), outputs.__getitem__)

        for step in range(work.steps):
            outputs.append(ctx.step(f"step{step}", perform))


CONTENDER = AbsurdTasks
