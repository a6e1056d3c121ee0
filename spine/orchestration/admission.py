"""From a wish to drive a run to its lease: validate first, claim second, change state third."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from spine import clock
from spine.codec.limits import Limits
from spine.errors import NotResumable, RunExists, RunNotFound, SpineError
from spine.orchestration.actor import holder
from spine.orchestration.checkpointing import CheckpointStrategy, strategy_for
from spine.orchestration.given_up import GivenUp
from spine.orchestration.progress import Progress
from spine.orchestration.registry import Registry
from spine.orchestration.renaming import restore, translate_checkpoints, translate_context, translate_run
from spine.orchestration.result import way_on
from spine.orchestration.resume import Plan, Position, Told, locate, plan, refuse_unless_free
from spine.orchestration.steps_gone import refuse_steps_gone
from spine.orchestration.workflow import Workflow
from spine.records.claim import Claim, NewRun
from spine.records.context import WorkflowContext
from spine.records.lease import Lease
from spine.records.override import Override
from spine.records.renaming import Renamed
from spine.records.resume_point import ResumePoint
from spine.records.run import ClaimableRun, RunStatus, RunSummary, standing
from spine.stores.protocol import Store
from spine.stores.snapshots import require_room

TRIES = 5
Judge = Callable[[RunSummary], None]  # raises what fits a run that is not to be driven


class Admitted(NamedTuple):
    """The right to drive a run, and how far it has come; `asked_at` is the uptime at which its lease begins."""

    lease: Lease
    progress: Progress
    asked_at: float


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class Admission:
    """Lets one driver in at a time."""

    store: Store
    registry: Registry
    lease_seconds: float
    limits: Limits
    strategy: CheckpointStrategy | None
    given_up: GivenUp

    def admit_new(
        self,
        workflow: Workflow,
        context: WorkflowContext,
        *,
        start_from: str | None,
        given: bool = False,
        reason: str | None = None,
    ) -> Admitted:
        """Write a new run and take its lease; raise `RunExists` or `RunIsHeld` if somebody was faster.

        `given` says that the caller brought the context, so that a resume after a crash starts with it too.
        """
        self.registry.require_pipelines(workflow)
        require_room(context, self.limits)
        index = 0 if start_from is None else workflow.index_of(start_from)
        passed_over = workflow.step_names[:index]
        step = workflow.step_names[index]
        told = ResumePoint(step=step, skipped=passed_over, context=context if given else None)
        asked_at = clock.uptime()
        lease = self.store.create_run(
            NewRun(
                context=context,
                definition=workflow.definition(context.defaulted),
                current_step=step,
                holder=holder(),
                lease_seconds=self.lease_seconds,
                resume_point=told if start_from or given else None,
                overrides=(Override(after=0, step=step, context=context),) if given else (),
                reason=reason,
            )
        )
        if lease is None:
            self._refuse_taken(context.run_id)
        progress = Progress(
            workflow=workflow,
            context=context,
            index=index,
            sequence=0,
            is_resumed=False,
            skipped=set(passed_over),
            unsaved_skips=list(passed_over),
        )
        return Admitted(lease=lease, progress=progress, asked_at=asked_at)

    def admit_existing(self, workflow: Workflow, run: ClaimableRun, told: Told, *, refuse: Judge) -> Admitted:
        """Claim an existing run as it was seen; if it changed meanwhile, judge and plan again."""
        run = self.given_up.let_go(run)
        for _ in range(TRIES):
            refuse(run)
            admitted = self._try(workflow, run, told)
            if admitted is not None:
                return admitted
            run = self.store.get_claimable(run.run_id)
        raise NotResumable(f"run {run.run_id!r} kept changing while it was to be claimed; try again")

    def refuse_existing(self, run: RunSummary) -> NoReturn:
        """Raise why `execute` without a step or a context does not take the id of this run."""
        refuse_unless_free(run)
        if run.status is RunStatus.COMPLETED:
            raise RunExists(
                f"run {run.run_id!r} exists and has completed; leave out run_id for a new run "
                "(or give start_from, to run steps of this one again)"
            )
        raise RunExists(
            f"run {run.run_id!r} exists and {standing(run.state)}; {way_on(run.run_id, self.store.location)} "
            "(or give start_from, or leave out run_id for a new run)"
        )

    def _try(self, workflow: Workflow, run: ClaimableRun, told: Told) -> Admitted | None:
        if workflow.name != run.workflow_name:
            raise NotResumable(
                f"run {run.run_id!r} is of workflow {run.workflow_name!r}, not {workflow.name!r}; nothing was run"
            )
        self.registry.require_pipelines(workflow)
        try:
            planned = self._plan(workflow, run, told)
        except SpineError:
            if self._is_as_seen(run):
                raise
            return None  # somebody claimed or purged the run between two of the reads
        asked_at = clock.uptime()
        lease = self.store.claim_run(
            Claim(
                run_id=run.run_id,
                seen_status=run.status,
                seen_fence=run.fence,
                seen_sequence=run.last_sequence,
                definition=planned.definition,
                current_step=workflow.step_names[planned.progress.index],
                holder=holder(),
                lease_seconds=self.lease_seconds,
                resume_point=planned.resume_point,
                overrides=planned.overrides,
                removed_steps=restore(planned.removed_steps, told.renamed),
                renamed_steps=told.renamed,
                reason=told.reason,
                details=planned.details,
            )
        )
        return None if lease is None else Admitted(lease=lease, progress=planned.progress, asked_at=asked_at)

    def _plan(self, workflow: Workflow, run: ClaimableRun, told: Told) -> Plan:
        checkpoints = translate_checkpoints(self.store.list_checkpoints(run.run_id), told.renamed)
        run = translate_run(run, workflow, told.renamed)
        position = locate(workflow, run, checkpoints, told)
        if not told.by_hand:
            refuse_steps_gone(workflow, run, position.index, strategy_for(workflow, self.strategy))
        base = self._base_context(run.run_id, position, told.renamed)
        if told.context is not None:
            told = told._replace(context=translate_context(told.context, told.renamed))
        planned = plan(workflow, run, position, base, told, self.limits)
        if told.params or told.context:  # else it goes on as far as it can: the limit may have been lowered
            require_room(planned.progress.context, self.limits)
        return planned

    def _is_as_seen(self, run: ClaimableRun) -> bool:
        now = self.store.get_claimable(run.run_id)
        return (now.status, now.fence, now.removed_at) == (run.status, run.fence, run.removed_at)

    def _base_context(self, run_id: str, position: Position, renamed: Renamed) -> WorkflowContext:
        if position.base is None:
            return self.store.get_first_context(run_id)
        (stored_name,) = restore([position.base.step_name], renamed)
        return translate_context(self.store.get_checkpoint(run_id, stored_name).context, renamed)

    def _refuse_taken(self, run_id: str) -> NoReturn:
        try:
            self.refuse_existing(self.store.get_claimable(run_id))
        except RunNotFound:
            raise RunExists(f"run {run_id!r} was made by somebody else at this moment; try again") from None
