"""What one writes who has SQLAlchemy: a transaction with an insert for each step, `with engine.begin()`."""

import sqlalchemy
from sqlalchemy import JSON, Column, Integer, MetaData, String, Table, event, insert, select

from benchmarks.contender import POSTGRESQL, SQLITE
from benchmarks.work import Output, Work

_TABLE = Table(
    "outputs",
    MetaData(),
    Column("run", String(36), primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("output", JSON),
)


class SqlAlchemyBegin:
    """No library for workflows at all, but none of the care of the limit either."""

    name = "SQLAlchemy, engine.begin() a step"
    needs = "sqlalchemy"
    kinds = (POSTGRESQL, SQLITE)
    durability = "synchronous_commit=on; WAL with synchronous=FULL"

    def open(self, url: str) -> None:
        """See `Contender`."""
        self._engine = sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        if url.startswith("sqlite"):
            event.listen(self._engine, "connect", lambda file, _: file.execute("PRAGMA journal_mode = WAL"))
        _TABLE.metadata.create_all(self._engine)

    def drive(self, work: Work) -> None:
        """See `Contender`."""
        outputs: list[Output] = []
        for step in range(work.steps):
            outputs.append(work.perform(step, outputs.__getitem__))
            with self._engine.begin() as connection:
                connection.execute(insert(_TABLE).values(run=work.run, step=step, output=outputs[-1]))

    def stored(self, work: Work) -> list[Output]:
        """See `Contender`."""
        with self._engine.connect() as connection:
            query = select(_TABLE.c.output).where(_TABLE.c.run == work.run).order_by(_TABLE.c.step)
            return list(connection.execute(query).scalars())

    def close(self) -> None:
        """See `Contender`."""
        self._engine.dispose()


CONTENDER = SqlAlchemyBegin
