"""`WorkflowRunner`: the public verbs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any, Self

from spine import clock, retention
from spine.config.settings import places
from spine.errors import InvalidParams, InvalidSetting, RunNotFound, type_of
from spine.hooks.hook import Hook, require_hooks
from spine.hooks.logging import LoggingHook
from spine.orchestration import given_context, intervention
from spine.orchestration.absence import saying_what_there_is
from spine.orchestration.actor import actor
from spine.orchestration.admission import Admission, Admitted, Judge
from spine.orchestration.driver import Driver
from spine.orchestration.given_up import GivenUp
from spine.orchestration.heartbeat import Heartbeat
from spine.orchestration.listing import listed, run_filter
from spine.orchestration.options import Options, require_usable
from spine.orchestration.params import checked_partition
from spine.orchestration.preview import ResumePreview
from spine.orchestration.recovery import Recovered, recover_crashed
from spine.orchestration.registry import DEFAULT_REGISTRY, Registry
from spine.orchestration.renaming import parse_renamed
from spine.orchestration.result import WorkflowResult
from spine.orchestration.resume import ResumeRequest, refuse_unless_crashed, refuse_unless_free, refuse_unless_resumable
from spine.orchestration.upkeep import Upkeep
from spine.orchestration.workflow import Workflow
from spine.records.checkpoint import Checkpoint, CheckpointSummary
from spine.records.context import WorkflowContext
from spine.records.event import Event
from spine.records.finding import Finding
from spine.records.names import check_name, check_reason, check_run_id
from spine.records.run import CRASHED, ClaimableRun, Run, RunList, RunStatus, RunSummary
from spine.retention import Purged
from spine.steps.secrets import Resolver, from_environment
from spine.stores.open import open_store
from spine.stores.protocol import Store


class WorkflowRunner:
    """Executes workflows and resumes their runs; a context manager, safe to use from several threads.

    What is left out comes from the settings (`SPINE_DATABASE_URL`, `SPINE_LEASE_SECONDS`, ... or `[tool.spine]`).
    `registry` is the default one unless given; `secrets` gives the value of a `Secret` by its name; `hooks` are told
    what happens; `store` replaces the one that `database_url` would open. A SQLite database gets its tables on first
    use; with `make_tables=False` one without tables raises `SchemaMissing`, as PostgreSQL always does.
    """

    def __init__(
        self,
        database_url: str | None = None,
        *,
        registry: Registry | None = None,
        checkpoint_strategy: str | None = None,
        checkpoint_retention_days: float | None = None,
        lease_seconds: float | None = None,
        reconnect_seconds: float | None = None,
        max_snapshot_bytes: int | None = None,
        max_depth: int | None = None,
        secrets: Resolver = from_environment,
        hooks: Iterable[Hook] = (),
        store: Store | None = None,
        make_tables: bool = True,
    ) -> None:
        require_usable(registry, secrets, store, database_url)
        options = Options.of(
            database_url=database_url,
            checkpoint_strategy=checkpoint_strategy,
            checkpoint_retention_days=checkpoint_retention_days,
            lease_seconds=lease_seconds,
            reconnect_seconds=reconnect_seconds,
            max_snapshot_bytes=max_snapshot_bytes,
            max_depth=max_depth,
        )
        self._options = options
        self._registry = DEFAULT_REGISTRY if registry is None else registry
        self._store = _open_store(options, database_url, make_tables=make_tables) if store is None else store
        given_up = GivenUp(self._store)
        self._admission = Admission(
            store=self._store,
            registry=self._registry,
            lease_seconds=options.lease_seconds,
            limits=options.limits,
            strategy=options.checkpoint_strategy,
            given_up=given_up,
        )
        self._upkeep = Upkeep(self._store, self._registry, days=options.checkpoint_retention_days)
        self._driver = Driver(
            store=self._store,
            registry=self._registry,
            options=options,
            heartbeat=Heartbeat(self._store, lease_seconds=options.lease_seconds),
            given_up=given_up,
            secrets=secrets,
            hooks=(LoggingHook(), *require_hooks(hooks)),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database's connections."""
        self._store.close()

    @property
    def location(self) -> str:
        """The database's URL without its password."""
        return self._store.location

    def register(self, *workflows: Workflow) -> None:
        """Make workflows known, so that `resume` finds them by the run's id alone."""
        for workflow in workflows:
            self._registry.add_workflow(workflow)

    def execute(
        self,
        workflow: Workflow,
        params: Mapping[str, Any] | None = None,
        *,
        run_id: str | None = None,
        partition: Mapping[str, Any] | None = None,
        start_from: str | None = None,
        context: WorkflowContext | None = None,
        renamed: Mapping[str, str] | None = None,
        reason: str | None = None,
    ) -> WorkflowResult:
        """Run a workflow from its first step, or, with `start_from` or a `context`, continue the run they belong to.

        `renamed` is as in `resume`. A failed run is a result. Raise `InvalidParams`, `InvalidName`, `NotStorable`,
        `PipelineNotFound` or `StepNotFound` before anything ran; `RunExists` if the id is taken and nothing says where
        to start; `DefinitionChanged`, `NotResumable`, `RunExpired` or `CheckpointsDeleted` if the run cannot go on;
        `RunIsHeld` if somebody else drives it; `LeaseLost` if somebody took it over; `RunNotFound` if it is
        deleted meanwhile; `StoreError` for the database.
        """
        DEFAULT_REGISTRY.refuse_while_filling()
        self._registry.add_workflow(workflow)  # also if it is refused below: who hears that a run exists may resume it
        context = given_context.judged(context, workflow.name, run_id, self._options.limits)
        wanted = context.run_id if context is not None else run_id
        existing = None if wanted is None else self._find(check_run_id(wanted))
        names = parse_renamed(renamed)
        if existing is None:
            if names:
                raise InvalidSetting("renamed is for a run that has taken steps; leave it out to start a new one")
            first = self._first_context(workflow, wanted, params, partition, context)
            return self._drive(
                partial(
                    self._admission.admit_new,
                    workflow,
                    first,
                    start_from=start_from,
                    given=context is not None,
                    reason=check_reason(reason),
                )
            )
        if start_from is None and context is None:
            self._admission.refuse_existing(existing)
        if partition is not None:
            raise InvalidParams(f"run {existing.run_id!r} has its partition already; leave it out to continue the run")
        request = ResumeRequest(
            start_from=start_from, params=params, context=context, renamed=names, reason=check_reason(reason)
        )
        return self._go_on(workflow, existing, request, refuse_unless_free)

    def resume(
        self,
        run_id: str,
        params_override: Mapping[str, Any] | None = None,
        *,
        start_from: str | None = None,
        renamed: Mapping[str, str] | None = None,
        reason: str | None = None,
    ) -> WorkflowResult:
        """Go on with a failed, crashed, cancelled or waiting run after its last finished step.

        `params_override` is merged over the run's params; `start_from` names another step to go on from; `renamed`
        gives steps that have a new name in the workflow, as old name to new. Raise `RunNotFound`, `WorkflowNotFound`,
        `RunAlreadyCompleted`, `RunIsHeld`, `RunExpired`, `CheckpointsDeleted`, `DefinitionChanged`, `InvalidSetting`,
        or what `execute` raises.
        """
        names = parse_renamed(renamed)
        request = ResumeRequest(
            start_from=start_from, params=params_override, renamed=names, reason=check_reason(reason)
        )
        return self._resume(run_id, request, _refuse_unless_fit(start_from))

    def preview_resume(
        self,
        run_id: str,
        params_override: Mapping[str, Any] | None = None,
        *,
        start_from: str | None = None,
        renamed: Mapping[str, str] | None = None,
    ) -> ResumePreview:
        """Say what `resume` would do with the same arguments, and do none of it; raise what it would raise.

        What the run is told by somebody else meanwhile changes that.
        """
        DEFAULT_REGISTRY.refuse_while_filling()
        request = ResumeRequest(start_from=start_from, params=params_override, renamed=parse_renamed(renamed))
        run = self.get_summary(run_id)
        workflow = self._registry.get_workflow_of(run)
        return self._admission.preview(workflow, run, request, refuse=_refuse_unless_fit(start_from))

    def recover(self, *, workflow: str | None = None, limit: int = 1000) -> list[Recovered]:
        """Resume every crashed run, one after another; safe when several machines do it at once.

        First come those that were taken least often, then the oldest: a run that kills whoever drives it keeps no
        other waiting. Neither does one that somebody else took or ended first, that is damaged, or that cannot go on:
        it is told with its error, and does not count towards `limit`.
        """
        DEFAULT_REGISTRY.refuse_while_filling()
        wanted = run_filter(status=CRASHED, workflow=workflow, since=None, limit=limit)._replace(least_taken=True)
        resume = partial(
            self._resume, request=ResumeRequest(reason="recovered", by_hand=False), refuse=refuse_unless_crashed
        )
        return recover_crashed(self._store, wanted, resume)

    def get_run(self, run_id: str) -> Run:
        """Give a run with its latest context, and the overrides told since; raise `RunNotFound`."""
        with self._asking_for(run_id) as known:
            return self._store.get_run(known)

    def get_summary(self, run_id: str) -> ClaimableRun:
        """Give a run without its context, and what its last claim was told; no snapshot is read.

        Raise `RunNotFound`.
        """
        with self._asking_for(run_id) as known:
            return self._store.get_claimable(known)

    def list_runs(
        self,
        *,
        status: RunStatus | str | None = None,
        workflow: str | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> RunList:
        """List the newest runs that fit, oldest first; `crashed` is a status here, which `running` includes.

        `since` is about when they were made. Those whose rows are damaged are in `damaged` of the list, and in the log.
        """
        return listed(self._store, run_filter(status=status, workflow=workflow, since=since, limit=limit))

    def list_checkpoints(self, run_id: str) -> list[CheckpointSummary]:
        """List a run's checkpoints in the order they were written; raise `RunNotFound`."""
        with self._asking_for(run_id) as known:
            return self._store.list_checkpoints(known)

    def get_checkpoint(self, run_id: str, step: str | None = None) -> Checkpoint:
        """Give one checkpoint, the latest unless a step is named; raise `RunNotFound` or `CheckpointNotFound`."""
        named = None if step is None else check_name(step, "a step's name")
        with self._asking_for(run_id) as known:
            return self._store.get_checkpoint(known, named)

    def examine(self) -> list[Finding]:
        """Look at the database's set-up: what is fine, what is not, and what to do about it."""
        return self._store.examine()

    def list_events(self, run_id: str) -> list[Event]:
        """List what happened to a run, in order: by whom, from where, and why if they said so; raise `RunNotFound`."""
        with self._asking_for(run_id) as known:
            return self._store.list_events(known)

    def delete_checkpoints(self, run_id: str, *, reason: str | None = None) -> int:
        """Remove all checkpoints of a run, for good, and say how many; raise `RunIsHeld` while somebody drives it.

        A crashed run, with which nobody can go on any more, is cancelled.
        """
        with self._asking_for(run_id) as known:
            return intervention.delete_checkpoints(self._store, known, actor(reason))

    def cancel(self, run_id: str, *, reason: str | None = None) -> RunSummary:
        """Cancel a run, also one that another process drives: its next write fails and it starts nothing more.

        Raise `RunNotFound`, or `RunAlreadyCompleted` if there is nothing left to cancel.
        """
        with self._asking_for(run_id) as known:
            return intervention.cancel_run(self._store, known, actor(reason))

    def purge(
        self,
        days: float | None = None,
        *,
        failed_days: float | None = None,
        dry_run: bool = False,
        workflows: Sequence[str] | None = None,
    ) -> Purged:
        """Remove the checkpoints of runs that ended over `days` ago, failed and cancelled ones after `failed_days`.

        Without days the runner's `checkpoint_retention_days` count; raise `InvalidSetting` if there are neither.
        """
        window = self._options.checkpoint_retention_days if days is None else days
        if window is None:
            raise InvalidSetting("say how many days to keep: purge(days=7), or set checkpoint_retention_days")
        order = retention.order_for(window, failed_days, None if workflows is None else _checked_names(workflows))
        if not dry_run:
            return retention.purge(self._store, order, by=actor(None))
        expired = self._store.preview_purge(order)
        return Purged(runs=expired.runs, checkpoints=expired.checkpoints, dry_run=True)

    def _first_context(
        self,
        workflow: Workflow,
        run_id: str | None,
        params: Mapping[str, Any] | None,
        partition: Mapping[str, Any] | None,
        given: WorkflowContext | None,
    ) -> WorkflowContext:
        limits = self._options.limits
        if given is not None:
            if partition is not None:
                raise InvalidParams("the context has its partition already; leave it out")
            checked_partition(given.partition, limits)
            return given.with_params(workflow.override(given.params, params, limits))
        first = workflow.first_params(params, limits)
        return WorkflowContext(
            run_id=run_id or clock.new_run_id(),
            workflow_name=workflow.name,
            params=first.values,
            partition=checked_partition(partition, limits),
            defaulted=first.defaulted,
        )

    def _resume(self, run_id: str, request: ResumeRequest, refuse: Judge) -> WorkflowResult:
        DEFAULT_REGISTRY.refuse_while_filling()
        run = self.get_summary(run_id)
        return self._go_on(self._registry.get_workflow_of(run), run, request, refuse)

    def _go_on(self, workflow: Workflow, run: ClaimableRun, request: ResumeRequest, refuse: Judge) -> WorkflowResult:
        return self._drive(partial(self._admission.admit_existing, workflow, run, request, refuse=refuse))

    def _drive(self, admit: Callable[[], Admitted]) -> WorkflowResult:
        result = self._driver.drive(admit)
        self._upkeep.run_if_due()
        return result

    @contextmanager
    def _asking_for(self, run_id: str) -> Iterator[str]:
        """Check an id; whoever asks for it in vain hears what there is."""
        known = check_run_id(run_id)
        with saying_what_there_is(self._store, known):
            yield known

    def _find(self, run_id: str) -> ClaimableRun | None:
        try:
            return self._store.get_claimable(run_id)
        except RunNotFound:
            return None


def _open_store(options: Options, given: str | None, *, make_tables: bool) -> Store:
    try:
        return open_store(
            options.database_url,
            limits=options.limits,
            reconnect_seconds=options.reconnect_seconds,
            make_tables=make_tables,
        )
    except InvalidSetting as error:
        if given is not None:
            raise
        raise InvalidSetting(f"{error} (set by {places('database_url')})") from None


def _refuse_unless_fit(start_from: str | None) -> Judge:
    return refuse_unless_resumable if start_from is None else refuse_unless_free


def _checked_names(workflows: Any) -> frozenset[str]:
    if isinstance(workflows, str) or not isinstance(workflows, Iterable):
        raise InvalidSetting(f"workflows must be a list of names, not {type_of(workflows)}")
    return frozenset(check_name(name, "a workflow's name") for name in workflows)
