"""Burr: an application whose state holds the outputs, and its persister for each database."""

from typing import Any
from urllib.parse import unquote, urlsplit

from burr.core import ApplicationBuilder, action
from burr.core.persistence import SQLitePersister
from burr.integrations.persisters.b_psycopg2 import PostgreSQLPersister

from benchmarks.contender import POSTGRESQL, SQLITE
from benchmarks.work import Output, Work


class BurrPersister:
    """One action that is taken again and again."""

    name = "Burr"
    needs = "burr"
    kinds = (POSTGRESQL, SQLITE)
    durability = "synchronous_commit=on; SQLite's default journal (DELETE), synchronous=FULL; whole state in each row"

    def open(self, url: str) -> None:
        """See `Contender`."""
        parts = urlsplit(url)
        if url.startswith("sqlite"):
            self._persister: Any = SQLitePersister(url.removeprefix("sqlite:///"))
        else:
            self._persister = PostgreSQLPersister.from_values(
                db_name=parts.path[1:],
                user=parts.username,
                password=unquote(parts.password or ""),
                host=parts.hostname,
                port=parts.port,
            )
        self._persister.initialize()

    def drive(self, work: Work) -> None:
        """See `Contender`."""

        def perform(state: Any) -> Any:
            done = state["outputs"]
            return state.append(outputs=work.perform(len(done), done.__getitem__))

        step = action(reads=["outputs"], writes=["outputs"])(perform)
        builder = ApplicationBuilder().with_actions(step=step).with_transitions(("step", "step"))
        builder = (
            builder.with_entrypoint("step")
            .with_state(outputs=[])
            .with_identifiers(app_id=work.run, partition_key="work")
        )
        application = builder.with_state_persister(self._persister).build()
        for _ in range(work.steps):
            application.step()

    def stored(self, work: Work) -> list[Output]:
        """See `Contender`."""
        return list(self._persister.load("work", work.run)["state"]["outputs"])

    def close(self) -> None:
        """See `Contender`."""
        self._persister.connection.close()


CONTENDER = BurrPersister
