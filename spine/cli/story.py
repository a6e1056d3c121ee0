"""`Story`: what is stored of a run, and how each of its steps stands."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from spine.errors import SnapshotCorrupt, SnapshotTooNew, StoreError
from spine.orchestration.runner import WorkflowRunner
from spine.records.checkpoint import CheckpointSummary
from spine.records.context import WorkflowContext
from spine.records.event import Event, EventKind
from spine.records.run import ClaimableRun, RunStatus

T = TypeVar("T")
DONE = "done"
SKIPPED = "skipped"
RUNNING = "running"
FAILED = "failed"
NEXT = "next"
AGAIN = "again"
TO_DO = "to do"

_CLAIMS = (EventKind.RUN_STARTED, EventKind.RUN_RESUMED, EventKind.RUN_TAKEN_OVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStanding:
    """A step of a run: `again` means that it was done, has no checkpoint, and a resume will run it again."""

    name: str
    kind: str
    state: str
    checkpoint: CheckpointSummary | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All that is stored of a run and can be read; `context` is None and `damages` say why for what cannot."""

    run: ClaimableRun
    context: WorkflowContext | None = None
    checkpoints: Sequence[CheckpointSummary] = ()
    events: Sequence[Event] = ()
    damages: Sequence[StoreError] = ()

    @classmethod
    def of(cls, runner: WorkflowRunner, run_id: str) -> "Story":
        """Read it; raise `RunNotFound`, or `SnapshotCorrupt` if the row of the run itself is damaged."""
        summary = runner.get_summary(run_id)
        damages: list[StoreError] = []

        def read(part: Callable[[str], T], otherwise: T) -> T:
            try:
                return part(run_id)
            except (SnapshotCorrupt, SnapshotTooNew) as error:
                damages.append(error)
                return otherwise

        return cls(
            run=summary,
            context=read(lambda run_id: runner.get_run(run_id).context, None),
            checkpoints=read(runner.list_checkpoints, []),
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
    def next_step(self) -> str | None:
        """The step at which a resume goes on; None if the run has completed or cannot go on."""
        if self.run.status is RunStatus.COMPLETED or self.run.removed_at is not None:
            return None
        names = self.run.definition.names
        candidates = [*self._told_steps(), *(saved.next_step for saved in self.checkpoints[-1:])]
        # A claim removes the checkpoints from where it starts, so the later of the two is the newer.
        places = [names.index(name) for name in candidates if name in names]
        return names[max(places, default=0)]

    @property
    def resumes_at(self) -> str | None:
        """The same if a plain resume would do: nobody drives the run, and what it knows can be read."""
        return self.next_step if self.run.lease is None and self.context is not None else None

    def standings(self) -> list[StepStanding]:
        """Tell how each step stands, in the workflow's order."""
        saved = {checkpoint.step_name: checkpoint for checkpoint in self.checkpoints}
        skipped = {name for checkpoint in self.checkpoints for name in checkpoint.skipped}
        skipped |= self._passed_over() | self._skipped_at_the_end()
        return [
            StepStanding(
                name=step.name,
                kind=step.kind,
                state=SKIPPED if step.name in skipped else self._state(index),
                checkpoint=saved.get(step.name),
            )
            for index, step in enumerate(self.run.definition.steps)
        ]

    def _state(self, index: int) -> str:
        """Judge one step by how far the run had come and where it would go on."""
        run, resumes_at = self.run, self._place(self.next_step)
        if run.status is RunStatus.COMPLETED:
            return DONE
        reached = self._place(run.error_step or run.current_step)
        if index == reached and run.status is RunStatus.FAILED:
            return FAILED
        if index == reached and run.lease is not None:
            return RUNNING
        if resumes_at is not None and index < resumes_at:
            return DONE
        if reached is not None and index < reached:
            return DONE if resumes_at is None else AGAIN
        return NEXT if index == resumes_at else TO_DO

    def _told_steps(self) -> list[str]:
        claim = self._last_claim()
        return [] if claim is None or "from_step" not in claim.fields else [str(claim.fields["from_step"])]

    def _passed_over(self) -> set[str]:
        claim = self._last_claim()
        return set() if claim is None else set(claim.fields.get("passed_over", ()))

    def _skipped_at_the_end(self) -> set[str]:
        """Name the steps that were skipped after the last checkpoint of a run that has completed."""
        return {
            name
            for event in self.events[-1:]
            if event.kind is EventKind.RUN_COMPLETED
            for name in event.fields.get("skipped", ())
        }

    def _last_claim(self) -> Event | None:
        return next((event for event in reversed(self.events) if event.kind in _CLAIMS), None)

    def _place(self, name: str | None) -> int | None:
        names = self.run.definition.names
        return names.index(name) if name in names else None
