"""`Kind`: one kind of storm."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.storm.place import Place
from tests.storm.round import Round


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A name, what a round of it does, and where it can be done."""

    name: str
    rage: Callable[[Round], None]
    fits: Callable[[Place], bool] = lambda place: True
