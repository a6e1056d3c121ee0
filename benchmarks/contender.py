"""What a contender is: all that the benchmarks know of whom they measure."""

from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from benchmarks.work import Output, Work

POSTGRESQL, SQLITE = "postgresql", "sqlite"
FOLDER = Path(__file__).parent / "contenders"


class Contender(Protocol):
    """One way to keep the outputs of a run in a database, as it ships.

    These four are plain values, read also where the contender cannot be imported: `needs` is the module that has to
    be installed, `kinds` are the databases it knows, and `durability` says what it promises when a step is done.
    """

    name: str
    needs: str
    kinds: tuple[str, ...]
    durability: str

    def open(self, url: str) -> None:
        """Connect, and make the tables if they are not there; not measured."""

    def drive(self, work: Work) -> None:
        """Perform all steps of a run, each durable before the next."""

    def stored(self, work: Work) -> list[Output]:
        """Read the outputs of a run that has ended, in order, from the database."""

    def close(self) -> None:
        """Let go of the database."""


def names() -> list[str]:
    """Name the contenders that there are."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


def load(name: str) -> Contender:
    """Make a contender by the name of its file."""
    kind = import_module(f"benchmarks.contenders.{name}").CONTENDER
    return cast(Contender, kind())
