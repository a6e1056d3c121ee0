"""`Story`: a workflow made from a seed, and what every undisturbed run of it comes to."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any

from spine.orchestration import WorkflowContext
from tests.storm.values import HARD_VALUES
from tests.unit.codec.spelling import spelled

FEWEST, MOST = 3, 8
AWKWARD_NAMES = ("load", "l'été; --", "../up", "<b>bold</b>", "with  space", "Load", "100%s", "x" * 90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One step: what it returns, how long it takes, and whether it asks for a checkpoint."""

    name: str
    value: Any
    seconds: float
    checkpoint: bool | None = None
    is_forced: bool = False
    updates: Mapping[str, Any]
    record_count: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Story:
    """The scenes of one run; what a step sees and returns follows from the scenes before it alone."""

    run_id: str
    params: Mapping[str, Any]
    partition: Mapping[str, Any]
    scenes: tuple[Scene, ...]

    @classmethod
    def of(cls, run_id: str, dice: Random, *, seconds: float, is_sparse: bool | None = None) -> "Story":
        """Make a story whose scenes take up to `seconds` each; one in four is sparse unless that is said."""
        sparse = dice.random() < 0.25 if is_sparse is None else is_sparse
        count = dice.randint(FEWEST, MOST)
        scenes = tuple(_scene(number, dice, seconds=seconds, sparse=sparse) for number in range(count))
        params = {"seed": dice.getrandbits(32), "hard": dice.choice(HARD_VALUES)}
        return cls(run_id=run_id, params=params, partition={"date": "2026-01-10"}, scenes=scenes)

    @property
    def workflow_name(self) -> str:
        return f"story {self.run_id}"

    @property
    def step_names(self) -> list[str]:
        return [scene.name for scene in self.scenes]

    @cached_property
    def is_sparse(self) -> bool:
        return any(scene.checkpoint is True for scene in self.scenes)

    def saves(self, index: int) -> bool:
        """Whether a checkpoint follows this scene."""
        scene = self.scenes[index]
        if scene.is_forced:
            return True
        return not self.is_sparse if scene.checkpoint is None else scene.checkpoint

    @cached_property
    def saved(self) -> list[str]:
        """The steps that have a checkpoint when the run has completed."""
        return [scene.name for index, scene in enumerate(self.scenes) if self.saves(index)]

    def settled_before(self, index: int) -> int:
        """How many scenes are certainly committed when this one starts."""
        return max((number + 1 for number in range(index) if self.saves(number)), default=0)

    @cached_property
    def expected(self) -> list["Seen"]:
        """What each scene sees, and at last what is known after the last."""
        seen = [Seen(params=dict(self.params), partition=dict(self.partition), outputs={}, quality={})]
        for scene in self.scenes:
            seen.append(seen[-1].after(scene))
        return seen

    @property
    def end(self) -> "Seen":
        """What the database knows of a completed run: all that was known at its last checkpoint."""
        return self.expected[self.settled_before(len(self.scenes))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that a step can see, as plain values."""

    params: Mapping[str, Any]
    partition: Mapping[str, Any]
    outputs: Mapping[str, Any]
    quality: Mapping[str, Any]

    @classmethod
    def by(cls, context: WorkflowContext) -> "Seen":
        return cls(
            params={name: value for name, value in context.params.items() if name != "__resumed__"},
            partition=dict(context.partition),
            outputs=dict(context.outputs),
            quality={step: metrics.as_dict() for step, metrics in context.quality_metrics.items()},
        )

    @property
    def digest(self) -> str:
        """The same for the same values of the same types in the same order."""
        text = spelled([dict(self.params), dict(self.partition), dict(self.outputs), dict(self.quality)])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def output_of(self, scene: Scene) -> dict[str, Any]:
        """What a scene returns that sees this: whoever sees something else returns something else."""
        return {"seen": self.digest, "value": scene.value}

    def after(self, scene: Scene) -> "Seen":
        measured = {} if scene.record_count is None else {scene.name: measures(scene.record_count)}
        return Seen(
            params={**self.params, **scene.updates},
            partition=self.partition,
            outputs={**self.outputs, scene.name: self.output_of(scene)},
            quality={**self.quality, **measured},
        )


def measures(record_count: int) -> dict[str, Any]:
    return {"passed": True, "record_count": record_count}


def _scene(number: int, dice: Random, *, seconds: float, sparse: bool) -> Scene:
    return Scene(
        name=f"{number} {dice.choice(AWKWARD_NAMES)}",
        value=dice.choice(HARD_VALUES),
        seconds=dice.random() * seconds,
        checkpoint=(True if number == 1 or dice.random() < 0.3 else None) if sparse else None,
        is_forced=sparse and dice.random() < 0.1,
        updates={f"from {number}": dice.choice(HARD_VALUES)} if dice.random() < 0.3 else {},
        record_count=dice.randrange(10**9) if dice.random() < 0.3 else None,
    )
