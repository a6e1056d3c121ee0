"""Where an existing run goes on, and with what context: pure decisions over stored records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from spine.codec.limits import Limits
from spine.errors import (
    CheckpointsDeleted,
    NotCrashed,
    NotResumable,
    Refused,
    RunAlreadyCompleted,
    RunExpired,
    RunIsHeld,
    SnapshotCorrupt,
)
from spine.orchestration.changed_steps import refuse_changed_steps
from spine.orchestration.given_context import of_run
from spine.orchestration.progress import Progress
from spine.orchestration.workflow import Workflow
from spine.records.checkpoint import Base, CheckpointSummary
from spine.records.context import WorkflowContext
from spine.records.names import typed
from spine.records.override import Override, followed, overridden, since
from spine.records.renaming import Renamed
from spine.records.resume_point import ResumePoint
from spine.records.run import ClaimableRun, Definition, Removal, RunStatus, RunSummary, standing
from spine.records.values import Values

_REMOVALS: Mapping[Removal, tuple[type[Refused], str]] = {
    Removal.EXPIRED: (RunExpired, "removed by retention"),
    Removal.DELETED: (CheckpointsDeleted, "deleted"),
}


class ResumeRequest(NamedTuple):
    """What the caller asked for beyond "go on": a step to start from, an override, a whole context; and why.

    `renamed` gives steps of the run new names (old to new), which the rest is told by. `by_hand` says that a person
    asked for this run, and knows of it.
    """

    start_from: str | None = None
    params: Mapping[str, Any] | None = None
    context: WorkflowContext | None = None
    renamed: Renamed = MappingProxyType({})
    reason: str | None = None
    by_hand: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where to start, which checkpoint to build on, and what that means for the steps around it.

    `passed_over` are the steps between the base and the start that are skipped now, `skipped` those that were
    skipped before, `begun` those that may have begun since the newest checkpoint.
    """

    index: int
    base: CheckpointSummary | None
    passed_over: tuple[str, ...]
    skipped: frozenset[str]
    removed: tuple[str, ...]
    begun: tuple[str, ...]
    last_sequence: int


class Plan(NamedTuple):
    """How a run is driven from here: its progress, what the claim must note, which checkpoints go.

    `details` tell the history what was asked and what that meant. `begun` are the steps that may have begun since
    the newest checkpoint.
    """

    progress: Progress
    definition: Definition
    resume_point: ResumePoint | None
    overrides: tuple[Override, ...]
    removed_steps: tuple[str, ...]
    details: Mapping[str, Any]
    begun: tuple[str, ...]


def refuse_unless_free(run: RunSummary) -> None:
    """Raise the error that fits a run which must not be driven now."""
    if run.lease is not None:
        raise RunIsHeld(
            f"run {run.run_id!r} has been driven by {run.lease.holder} "
            f"since {run.lease.acquired_at:%Y-%m-%d %H:%M:%S} UTC; its lease runs "
            f"until {run.lease.expires_at:%Y-%m-%d %H:%M:%S} UTC and is renewed while it works; "
            "if it died, resume the run after that",
            holder=run.lease.holder,
            expires_at=run.lease.expires_at,
        )
    if run.removed_because is not None:
        kind, how = _REMOVALS[run.removed_because]
        removed = f"its checkpoints were {how} on {_day(run.removed_at)}"
        if run.status is RunStatus.COMPLETED:
            raise kind(f"run {run.run_id!r} has completed, and {removed}")
        raise kind(f"run {run.run_id!r} cannot go on: {removed}; start a new run with the same params, and another id")


def refuse_unless_resumable(run: RunSummary) -> None:
    """Raise the error that fits a run which `resume` does not take."""
    refuse_unless_free(run)
    if run.status is RunStatus.COMPLETED:
        raise RunAlreadyCompleted(
            f"run {run.run_id!r} has completed; there is nothing to resume "
            "(to run some steps again, name the first of them: start_from, --start-from)"
        )
    if run.status is RunStatus.PENDING:
        raise NotResumable(f"run {run.run_id!r} is pending: it has not been started yet")


def refuse_unless_crashed(run: RunSummary) -> None:
    """Raise the error that fits a run which `recover` does not take."""
    if run.lease is None and not run.is_crashed:
        raise NotCrashed(f"run {run.run_id!r} {standing(run.state)} by now: somebody was faster; nothing was run")
    refuse_unless_free(run)


def count_done(run: ClaimableRun, checkpoints: Sequence[CheckpointSummary]) -> int:
    """Count the steps that a plain resume does not take, by the definition the run remembers.

    What the last claim was told counts before the latest checkpoint. Raise `SnapshotCorrupt` if one names a step that
    the definition does not have.
    """
    done = _done_in_all(run, checkpoints)
    return done if run.resume_point is None else _index_in(run, run.resume_point.step)


def locate(
    workflow: Workflow, run: ClaimableRun, checkpoints: Sequence[CheckpointSummary], request: ResumeRequest
) -> Position:
    """Find where to start; raise `DefinitionChanged` if what is done no longer leads there."""
    index = _index(workflow, run, checkpoints, request)
    before = frozenset(workflow.step_names[:index])
    kept = [checkpoint for checkpoint in checkpoints if checkpoint.step_name in before]
    base = kept[-1] if kept else None
    reached = _done(run, base)
    point = run.resume_point
    passed_over = workflow.step_names[reached:index]
    if request.start_from is None and point is not None:
        passed_over = tuple(name for name in point.skipped if name in before)
    return Position(
        index=index,
        base=base,
        passed_over=passed_over,
        skipped=frozenset(name for checkpoint in kept for name in checkpoint.skipped if name in before),
        removed=tuple(checkpoint.step_name for checkpoint in checkpoints if checkpoint.step_name not in before),
        begun=_begun(run, checkpoints),
        last_sequence=max((checkpoint.sequence for checkpoint in checkpoints), default=0),
    )


def plan(
    workflow: Workflow,
    run: ClaimableRun,
    position: Position,
    base: WorkflowContext,
    request: ResumeRequest,
    limits: Limits,
) -> Plan:
    """Decide how the run goes on from this position; `base` is the context of its base checkpoint, else the first.

    Raise `InvalidParams` or `NotStorable` for an override that the workflow or the codec refuses.
    """
    if position.index >= len(workflow.steps):
        again = "name a step to run again: start_from, --start-from"
        cancel = f"cancel it with: spine runs cancel {typed(run.run_id)} (or {again})"
        raise NotResumable(
            f"run {run.run_id!r} {standing(run.state)}, and all that workflow {workflow.name!r} still has is done: "
            f"{', '.join(workflow.step_names)}; {again if run.status is RunStatus.COMPLETED else cancel}"
        )
    point = None if request.context else run.resume_point  # a context replaces what the last claim was told
    given = of_run(request.context, base) if request.context else _context_told_before(workflow, run, position)
    sequence = position.base.sequence if position.base else 0
    kept = _overrides_now(workflow, run, position)
    reached = workflow.step_names[: position.index + 1]
    context = given or overridden(base, kept, sequence=sequence, reached=reached)
    if point is not None:
        context = context.with_params(point.params)
    said = workflow.override(context.params, request.params, limits)
    start = workflow.step_names[position.index]
    overrides = since(kept, sequence)
    if said or request.context:
        now = Override(after=sequence, step=start, params=said, context=given if request.context else None)
        overrides = followed(overrides, now)
    params = point.params.merged(said) if point else said
    is_told = bool(params or position.passed_over or given or request.start_from)
    definition = replace(
        workflow.definition(run.definition.defaulted, run.definition.first_names),
        begun=_begun_before(run, position),
    )
    return Plan(
        progress=_progress(workflow, run, position, base, definition, context.with_params(said)),
        definition=definition,
        resume_point=ResumePoint(step=start, params=params, skipped=position.passed_over, context=given)
        if is_told
        else None,
        overrides=overrides,
        removed_steps=position.removed,
        details=_details(workflow, run, position, request, said),
        begun=position.begun,
    )


def _progress(
    workflow: Workflow,
    run: ClaimableRun,
    position: Position,
    base: WorkflowContext,
    definition: Definition,
    context: WorkflowContext,
) -> Progress:
    done = frozenset(workflow.step_names[: _done(run, position.base)])
    skipped = position.skipped.union(position.passed_over)
    return Progress(
        workflow=workflow,
        context=context,
        index=position.index,
        sequence=position.last_sequence,
        base=Base(sequence=position.base.sequence, context=base) if position.base else None,
        is_resumed=True,
        earlier=done - skipped,
        first_names=definition.first_names,
        skipped=set(skipped),
        unsaved_skips=list(position.passed_over),
    )


def _details(
    workflow: Workflow, run: ClaimableRun, position: Position, request: ResumeRequest, override: Values
) -> dict[str, Any]:
    """Say for the history where the run goes on, and all that is not as it was."""
    changed = run.definition.names != workflow.step_names
    said: dict[str, Any] = {
        "from_step": workflow.step_names[position.index],
        "params_override": dict(override),
        "passed_over": list(position.passed_over),
        "removed_checkpoints": list(position.removed),
        "context_given": request.context is not None,
        "steps_before": list(run.definition.names) if changed else [],
        "steps_now": list(workflow.step_names) if changed else [],
        "renamed": dict(request.renamed),
    }
    return {name: value for name, value in said.items() if value}


def _index(
    workflow: Workflow, run: ClaimableRun, checkpoints: Sequence[CheckpointSummary], request: ResumeRequest
) -> int:
    """Find the step to start from, with everything before it as it was."""
    if request.start_from is None:
        index = done = count_done(run, checkpoints)
    else:
        index = workflow.index_of(request.start_from)
        done = min(index, _done_in_all(run, checkpoints))
    refuse_changed_steps(workflow, run, done)
    return index


def _done_in_all(run: ClaimableRun, checkpoints: Sequence[CheckpointSummary]) -> int:
    return _done(run, checkpoints[-1] if checkpoints else None)


def _done(run: ClaimableRun, checkpoint: CheckpointSummary | None) -> int:
    """Count the steps that lie behind a checkpoint, by the definition the run remembers.

    `next_step` decides only where it goes back: what follows a step may have been repaired since the row was written.
    """
    if checkpoint is None:
        return 0
    after = _index_in(run, checkpoint.step_name) + 1
    behind = run.definition.names[:after]
    return behind.index(checkpoint.next_step) if checkpoint.next_step in behind else after


def _begun(run: ClaimableRun, checkpoints: Sequence[CheckpointSummary]) -> tuple[str, ...]:
    """Name the steps that may have begun since the newest checkpoint, wherever the run goes on now."""
    point, names = run.resume_point, run.definition.names
    came_to = names.index(point.step) if point and point.step in names else _done_in_all(run, checkpoints)
    return run.begun_from(came_to)


def _begun_before(run: ClaimableRun, position: Position) -> frozenset[str]:
    """Name what may have begun, or was done and is forgotten now; and what is not there now, and may come back."""
    absent = run.definition.begun.difference(run.definition.names)
    return absent.union(position.begun, position.removed)


def _index_in(run: ClaimableRun, step_name: str) -> int:
    if step_name not in run.definition.names:
        raise SnapshotCorrupt(
            f"run {run.run_id!r} stands at step {step_name!r}, which its own definition does not have "
            f"({', '.join(run.definition.names)}); nothing was run"
        )
    return run.definition.names.index(step_name)


def _context_told_before(workflow: Workflow, run: ClaimableRun, position: Position) -> WorkflowContext | None:
    """Keep the context of an earlier claim unless the run now goes back before it."""
    point = run.resume_point
    if point is None or point.context is None:
        return None
    index = _index_now(workflow, run, position, point.step)
    return point.context if index is not None and index <= position.index else None


def _overrides_now(workflow: Workflow, run: ClaimableRun, position: Position) -> list[Override]:
    """Give all overrides, told for steps that are there now; one whose step is gone waits until it is back."""
    told = [(each, _index_now(workflow, run, position, each.step)) for each in run.overrides]
    return [each if index is None else replace(each, step=workflow.step_names[index]) for each, index in told]


def _index_now(workflow: Workflow, run: ClaimableRun, position: Position, step_name: str) -> int | None:
    """Find where a step is now, which may have been moved, or renamed without saying so; None if it is nowhere.

    Of two places it is the first: the one where its name is now, and the one that it had in the list. The second counts

    - if the run had come so far, and still has after this claim; or
    - if no step has the name now, and what stands in that place is a new step.

    It is never put before a step that it followed: that one would be given a context with its own output in it.
    """
    names, now = run.definition.names, workflow.step_names
    places = [now.index(step_name)] if step_name in now else []
    if step_name in names:
        stood = names.index(step_name)
        is_reached = stood <= position.index and step_name in run.definition.up_to(run.current_step)
        if is_reached or (not places and not set(now[stood : stood + 1]) <= set(names)):
            places.append(max([stood, *(now.index(name) + 1 for name in names[:stood] if name in now)]))
    return min((place for place in places if place < len(now)), default=None)


def _day(moment: datetime | None) -> str:
    return "an unknown day" if moment is None else f"{moment:%Y-%m-%d}"
