"""From a wish to drive a run to its lease: validate first, claim second, change state third."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, NoReturn

from spine import clock
from spine.codec.limits import Limits
from spine.errors import NotResumable, RunExists, RunNotFound, SpineError
from spine.orchestration.actor import holder
from spine.orchestration.changed_steps import refuse_steps_gone
from spine.orchestration.checkpointing import CheckpointStrategy, strategy_for, unsaved_steps
from spine.orchestration.given_up import GivenUp
from spine.orchestration.preview import ResumePreview, preview_of
from spine.orchestration.progress import Progress
from spine.orchestration.registry import Registry
from spine.orchestration.renaming import restore, translate_checkpoints, translate_context, translate_run
from spine.orchestration.result import way_on
from spine.orchestration.resume import Plan, Position, ResumeRequest, locate, plan, refuse_unless_free
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
                definition=replace(workflow.definition(context.defaulted), unsaved=self._unsaved(workflow)),
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

    def admit_existing(
        self, workflow: Workflow, run: ClaimableRun, request: ResumeRequest, *, refuse: Judge
    ) -> Admitted:
        """Claim an existing run as it was seen; if it changed meanwhile, judge and plan again."""
        run = self.given_up.let_go(run)
        for _ in range(TRIES):
            refuse(run)
            admitted = self._claim(workflow, run, request)
            if admitted is not None:
                return admitted
            run = self.store.get_claimable(run.run_id)
        raise NotResumable(f"run {run.run_id!r} kept changing while it was to be claimed; try again")

    def preview(self, workflow: Workflow, run: ClaimableRun, request: ResumeRequest, *, refuse: Judge) -> ResumePreview:
        """Tell what a claim of the run would begin; raise what it would raise."""
        for _ in range(TRIES):
            refuse(run)
            planned = self._plan_as_seen(workflow, run, request)
            if planned is not None and self._is_as_seen(run):
                return preview_of(planned)
            run = self.store.get_claimable(run.run_id)
        raise NotResumable(f"run {run.run_id!r} kept changing while it was looked at; try again")

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

    def _claim(self, workflow: Workflow, run: ClaimableRun, request: ResumeRequest) -> Admitted | None:
        planned = self._plan_as_seen(workflow, run, request)
        if planned is None:
            return None
        if not request.by_hand:
            refuse_steps_gone(workflow, run, planned.begun)
        asked_at = clock.uptime()
        lease = self.store.claim_run(
            Claim(
                run_id=run.run_id,
                seen_status=run.status,
                seen_fence=run.fence,
                seen_sequence=run.last_sequence,
                definition=replace(planned.definition, unsaved=self._unsaved(workflow)),
                current_step=workflow.step_names[planned.progress.index],
                holder=holder(),
                lease_seconds=self.lease_seconds,
                resume_point=planned.resume_point,
                overrides=planned.overrides,
                removed_steps=restore(planned.removed_steps, request.renamed),
                renamed_steps=request.renamed,
                reason=request.reason,
                details=planned.details,
            )
        )
        return None if lease is None else Admitted(lease=lease, progress=planned.progress, asked_at=asked_at)

    def _plan_as_seen(self, workflow: Workflow, run: ClaimableRun, request: ResumeRequest) -> Plan | None:
        """Decide how the run goes on; None if somebody claimed or purged it between two of the reads."""
        if workflow.name != run.workflow_name:
            raise NotResumable(
                f"run {run.run_id!r} is of workflow {run.workflow_name!r}, not {workflow.name!r}; nothing was run. If "
                "that is its new name, register one of the old name with the same steps"
            )
        self.registry.require_pipelines(workflow)
        try:
            return self._plan(workflow, run, request)
        except SpineError:
            if self._is_as_seen(run):
                raise
            return None

    def _plan(self, workflow: Workflow, run: ClaimableRun, request: ResumeRequest) -> Plan:
        checkpoints = translate_checkpoints(self.store.list_checkpoints(run.run_id), request.renamed)
        run = translate_run(run, workflow, request.renamed)
        position = locate(workflow, run, checkpoints, request)
        base = self._base_context(run.run_id, position, request.renamed)
        if request.context is not None:
            request = request._replace(context=translate_context(request.context, request.renamed))
        planned = plan(workflow, run, position, base, request, self.limits)
        if request.params or request.context:  # else it goes on as far as it can: the limit may have been lowered
            require_room(planned.progress.context, self.limits)
        return planned

    def _unsaved(self, workflow: Workflow) -> frozenset[str]:
        return unsaved_steps(workflow, strategy_for(workflow, self.strategy))

    def _is_as_seen(self, run: ClaimableRun) -> bool:
        return _seen(self.store.get_claimable(run.run_id)) == _seen(run)

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


def _seen(run: ClaimableRun) -> tuple[object, ...]:
    """Give what changes with all that somebody else may do to a run."""
    return run.status, run.fence, run.last_sequence, run.removed_at
