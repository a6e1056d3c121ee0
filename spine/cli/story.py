"""`Story`: what is stored of a run, and how each of its steps stands."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from spine.errors import SnapshotCorrupt, SnapshotTooNew, StoreError
from spine.orchestration.resume import count_done
from spine.orchestration.runner import WorkflowRunner
from spine.records.checkpoint import CheckpointSummary
from spine.records.context import WorkflowContext
from spine.records.event import Event, EventKind
from spine.records.run import ClaimableRun, RunStatus

T = TypeVar("T")
TRIES = 5
DONE = "done"
SKIPPED = "skipped"
DONE_OR_SKIPPED = "done or skipped"
RUNNING = "running"
FAILED = "failed"
NEXT = "next"
MAY_HAVE_RUN = "may have run"
AGAIN = "again"
TO_DO = "to do"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStanding:
    """A step of a run.

    `again` means that it was done, has no checkpoint, and a resume will run it again; `may have run` that
    nobody knows how far the run came; `done or skipped` that the checkpoint which said it is gone.
    """

    name: str
    kind: str
    state: str
    checkpoint: CheckpointSummary | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All that is stored of a run and can be read; `context` is None and `damages` say why for what cannot.

    `next_step` is the one at which a resume goes on; None if the run has completed, cannot go on, or is damaged there.
    """

    run: ClaimableRun
    next_step: str | None = None
    context: WorkflowContext | None = None
    checkpoints: Sequence[CheckpointSummary] = ()
    events: Sequence[Event] = ()
    damages: Sequence[StoreError] = ()

    @classmethod
    def of(cls, runner: WorkflowRunner, run_id: str) -> "Story":
        """Read it; raise `RunNotFound`, or `SnapshotCorrupt` if the row of the run itself is damaged."""
        for _ in range(TRIES):
            story = cls._read(runner, run_id)
            if not story.damages or runner.get_summary(run_id).fence == story.run.fence:
                break  # else somebody claimed it between two of the reads, which is no damage
        return story

    @classmethod
    def _read(cls, runner: WorkflowRunner, run_id: str) -> "Story":
        summary = runner.get_summary(run_id)
        damages: list[StoreError] = []

        def read(part: Callable[[str], T], otherwise: T) -> T:
            try:
                return part(run_id)
            except (SnapshotCorrupt, SnapshotTooNew) as error:
                damages.append(error)
                return otherwise

        checkpoints = read(runner.list_checkpoints, None)
        return cls(
            run=summary,
            next_step=None if checkpoints is None else read(lambda _: _next_step(summary, checkpoints), None),
            context=read(lambda run_id: runner.get_run(run_id).context, None),
            checkpoints=checkpoints or [],
            events=read(runner.list_events, []),
            damages=damages,
        )

    @property
    def pending(self) -> Mapping[str, Any]:
        """The params that the last claim brought and no checkpoint carries yet."""
        point = self.run.resume_point
        if point is None:
            return {}
        return {**(point.context.params if point.context else {}), **point.params}

    @property
    def resumes_at(self) -> str | None:
        """The next step if a plain resume would do: nobody drives the run, and what it knows can be read."""
        return self.next_step if self.run.lease is None and self.context is not None else None

    def standings(self) -> list[StepStanding]:
        """Tell how each step stands, in the workflow's order."""
        saved = {checkpoint.step_name: checkpoint for checkpoint in self.checkpoints}
        skipped = self._skipped()
        names = self.run.definition.names
        resumes_at = _index(self.next_step, names)
        reached = _index(self.run.error_step or self.run.current_step, names)
        to_come = self._states_to_come(reached, resumes_at)
        return [
            StepStanding(
                name=name,
                kind=step.kind,
                state=SKIPPED if name in skipped else self._state(index, reached, resumes_at) or to_come[name],
                checkpoint=saved.get(name),
            )
            for index, (name, step) in enumerate(zip(names, self.run.definition.steps, strict=True))
        ]

    def _state(self, index: int, reached: int | None, resumes_at: int | None) -> str | None:
        """Judge one step by how far the run had come and where it would go on; None for one that is still to come."""
        run = self.run
        done = DONE if run.removed_at is None else DONE_OR_SKIPPED
        if run.status is RunStatus.COMPLETED:
            return done
        if index == reached and run.error_step is not None and (run.status is RunStatus.FAILED or resumes_at is None):
            return FAILED
        if resumes_at is not None and index < resumes_at:
            return DONE
        if reached is not None and index < reached:
            return done if resumes_at is None else AGAIN
        return None

    def _states_to_come(self, reached: int | None, resumes_at: int | None) -> dict[str, str]:
        """Judge steps that no checkpoint tells of, by name; whether one has begun may be known to nobody."""
        run, names = self.run, self.run.definition.names
        states = dict.fromkeys(names, TO_DO)
        if reached is not None:
            states.update(dict.fromkeys(run.begun_from(reached), MAY_HAVE_RUN))
        if run.lease is None and resumes_at is not None:
            states[names[resumes_at]] = NEXT
        if run.lease is not None and reached is not None:
            *_, last = run.definition.up_to_checkpoint(reached)
            states[names[reached]] = RUNNING if last == names[reached] else MAY_HAVE_RUN
        return states

    def _skipped(self) -> set[str]:
        """Name the steps that were skipped: checkpoints note them; what is in none, the last claim or the end does."""
        point = self.run.resume_point
        skipped = set(point.skipped if point else ())
        skipped.update(name for checkpoint in self.checkpoints for name in checkpoint.skipped)
        if self.run.status is RunStatus.COMPLETED:
            ends = [event for event in self.events if event.kind is EventKind.RUN_COMPLETED]
            skipped.update(*(event.fields.get("skipped", ()) for event in ends[-1:]))
        return skipped


def readable_summary(runner: WorkflowRunner, run_id: str) -> ClaimableRun | None:
    """Read how a run stands; None if its own row is damaged, which keeps nobody from ending it."""
    try:
        return runner.get_summary(run_id)
    except (SnapshotCorrupt, SnapshotTooNew):
        return None


def _next_step(run: ClaimableRun, checkpoints: Sequence[CheckpointSummary]) -> str | None:
    if run.status is RunStatus.COMPLETED or run.removed_at is not None:
        return None
    return next(iter(run.definition.names[count_done(run, checkpoints) :]), None)


def _index(name: str | None, names: Sequence[str]) -> int | None:
    return names.index(name) if name in names else None
