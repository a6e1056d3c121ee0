"""`Order`: what a worker is told to do, and what is to happen to it meanwhile."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.storm.story import Story

Verb = Literal["drive", "execute", "resume", "recover", "purge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doom:
    """A signal that a worker sends itself at the n-th call in a part of Spine: any instant, and the same one again."""

    signum: int
    calls: int
    part: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A verb and the runs it is about.

    A threaded worker takes all of them at once. `bad_luck` is how likely a step fails, decided by `dice`; at the step
    number `fails_at` it always does. A worker that is to wait for `start_at` (monotonic seconds) begins with others
    at once; `patience` is how many seconds `drive` waits for others and for a database.
    """

    worker: str
    folder: Path
    url: str
    verb: Verb
    stories: tuple[Story, ...]
    dice: str
    is_threaded: bool = False
    bad_luck: float = 0.0
    fails_at: int | None = None
    doom: Doom | None = None
    start_at: float = 0.0
    patience: float = 30.0
    lease_seconds: float = 0.7
    reconnect_seconds: float = 20.0

    @property
    def journal(self) -> Path:
        """Where the worker notes that it is ready, that it stops, and how each attempt ended."""
        return self.folder / f"worker {self.worker}"

    def diary(self, run_id: str) -> Path:
        """Where the steps of a run note that they start and end."""
        return diary_of(self.folder, run_id)


def diary_of(folder: Path, run_id: str) -> Path:
    return folder / f"run {run_id}"
