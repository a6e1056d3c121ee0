"""`Driver`: one drive of an admitted run, from the lease to the result."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from spine import clock
from spine.errors import LeaseLost, RunNotFound, StoreWentBack
from spine.hooks.dispatch import Audience, audience_of, dispatch
from spine.hooks.hook import Hook
from spine.orchestration.admission import Admitted
from spine.orchestration.checkpointing import strategy_for
from spine.orchestration.executor import Executor
from spine.orchestration.forks import Forks
from spine.orchestration.given_up import GivenUp
from spine.orchestration.heartbeat import Heartbeat, Pulse
from spine.orchestration.interrupts import Interrupts
from spine.orchestration.loop import drive
from spine.orchestration.options import Options
from spine.orchestration.progress import Progress
from spine.orchestration.registry import Registry
from spine.orchestration.result import WorkflowResult
from spine.records.claim import Ending
from spine.records.event import BEGINNINGS, Event, EventKind
from spine.records.lease import Lease
from spine.records.run import Removal, RunStatus
from spine.steps.secrets import Resolver
from spine.stores.protocol import Store

CANCELLED = Ending(status=RunStatus.CANCELLED)


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class Driver:
    """Opens the session of a run, keeps its lease alive, walks its steps, and tells how it ended."""

    store: Store
    registry: Registry
    options: Options
    heartbeat: Heartbeat
    given_up: GivenUp
    secrets: Resolver
    hooks: Sequence[Hook]

    def drive(self, admit: Callable[[], Admitted]) -> WorkflowResult:
        """Drive what is admitted until the run has ended; raise `LeaseLost` if somebody took it over meanwhile.

        Raise `RunNotFound` if it is gone, `StoreWentBack` if the database is as it was before it was taken.
        A signal that comes while it is admitted takes effect in its first step, so that a lease just taken is released.
        """
        interrupts = Interrupts.of_this_thread()
        with interrupts.handled(), self.heartbeat.started():
            admitted = admit()
            with (
                self.given_up.noting(admitted.lease),
                self.heartbeat.beating(admitted.lease, since=admitted.asked_at) as pulse,
            ):
                self._walk(admitted, interrupts, pulse)
        return admitted.progress.result(self.store.location)

    def _walk(self, admitted: Admitted, interrupts: Interrupts, pulse: Pulse) -> None:
        start, lease, progress = clock.stopwatch(), admitted.lease, admitted.progress
        audience, forks = audience_of(self.hooks), Forks()
        left_at = None if progress.step is None else progress.step.name
        try:
            with closing(self.store.writer(lease, lease_seconds=self.options.lease_seconds, left_at=left_at)) as writer:
                executor = Executor(
                    registry=self.registry,
                    writer=writer,
                    strategy=strategy_for(progress.workflow, self.options.checkpoint_strategy),
                    limits=self.options.limits,
                    interrupts=interrupts,
                    forks=forks,
                    pulse=pulse,
                    secrets=self.secrets,
                    audience=audience,
                )
                with forks:
                    _tell(audience, progress, _beginning(progress))
                drive(progress, executor)
        except LeaseLost as lost:
            progress.ending = self._ending_by_others(lease, lost)
        with forks:
            _tell(audience, progress, progress.ending.event_kind, duration=clock.stopwatch() - start)

    def _ending_by_others(self, lease: Lease, lost: LeaseLost) -> Ending:
        """Give the end of a run that somebody cancelled; else raise what became of it."""
        try:
            run = self.store.get_claimable(lease.run_id)
        except RunNotFound:
            raise RunNotFound(
                f"run {lease.run_id!r} is gone while it was driven: somebody deleted it, or the database was restored "
                "from a backup, or a standby took over that lacked it; nothing more was written. Start it again"
            ) from lost
        if run.fence < lease.fence:
            raise StoreWentBack(
                f"run {lease.run_id!r} is as it was before this process took it: the database was restored from a "
                "backup, or a standby took over that lacked the taking; nothing more was written. See where it stands, "
                "and resume it"
            ) from lost
        fence = run.fence - (run.removed_because is Removal.DELETED)  # which raises it, and cancels a crashed run
        if run.status is RunStatus.CANCELLED and fence == lease.fence:
            return CANCELLED
        raise lost


def _tell(audience: Audience, progress: Progress, kind: EventKind, *, duration: float | None = None) -> None:
    ending, steps = progress.ending, progress.workflow.steps
    fields: dict[str, Any] = {"steps": len(steps)}
    if progress.step is not None and kind in BEGINNINGS:
        fields |= {"position": progress.index + 1, "from_step": progress.step.name}
        if progress.skipped:
            fields["skipped"] = [name for name in progress.workflow.step_names if name in progress.skipped]
    dispatch(
        audience[kind],
        Event(
            kind=kind,
            run_id=progress.context.run_id,
            workflow_name=progress.workflow.name,
            step=ending.error_step,
            at=clock.now(),
            duration=duration,
            error=ending.error,
            error_type=ending.error_type,
            fields=fields,
        ),
    )


def _beginning(progress: Progress) -> EventKind:
    return EventKind.RUN_RESUMED if progress.is_resumed else EventKind.RUN_STARTED
