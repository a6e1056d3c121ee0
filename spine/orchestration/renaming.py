"""Steps that were renamed since a run took them: what is stored, read as if they had always had their new names."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from spine.errors import InvalidSetting, StepNotFound, type_of
from spine.orchestration.workflow import Workflow
from spine.records.checkpoint import CheckpointSummary
from spine.records.context import WorkflowContext
from spine.records.names import check_name
from spine.records.override import Override
from spine.records.renaming import Renamed, rename, rename_context, rename_each, rename_skipped
from spine.records.resume_point import ResumePoint
from spine.records.run import ClaimableRun, Definition


def parse_renamed(renamed: Any) -> Renamed:
    """Give a mapping of old names to new ones; raise `InvalidSetting` or `InvalidName` for what is none."""
    if renamed is None:
        return {}
    if not isinstance(renamed, Mapping):
        raise InvalidSetting(
            f"renamed must map old names of steps to new ones, as {{'load': 'store'}}; it is {type_of(renamed)}"
        )
    names = {
        check_name(old, "the old name of a renamed step"): check_name(new, "the new name of a renamed step")
        for old, new in renamed.items()
    }
    twice = sorted(new for new, times in Counter(names.values()).items() if times > 1)
    if twice:
        raise InvalidSetting(f"two steps cannot be renamed to {', '.join(map(repr, twice))}; each needs its own name")
    return names


def translate_run(run: ClaimableRun, workflow: Workflow, renamed: Renamed) -> ClaimableRun:
    """Give a run with its steps under their new names.

    Raise `StepNotFound` for an old name that the run or a new one that the workflow does not have, `InvalidSetting`
    if another step of the run has the new name already.
    """
    if not renamed:
        return run
    _refuse_strangers(run, workflow, renamed)
    return replace(
        run,
        definition=_translate_definition(run.definition, renamed),
        current_step=run.current_step and rename(run.current_step, renamed),
        error_step=run.error_step and rename(run.error_step, renamed),
        resume_point=run.resume_point and _translate_point(run.resume_point, renamed),
        overrides=tuple(_translate_override(override, renamed) for override in run.overrides),
    )


def translate_checkpoints(checkpoints: Sequence[CheckpointSummary], renamed: Renamed) -> list[CheckpointSummary]:
    """Give checkpoints with the steps they tell of under their new names."""
    return [
        replace(
            checkpoint,
            step_name=rename(checkpoint.step_name, renamed),
            next_step=checkpoint.next_step and rename(checkpoint.next_step, renamed),
            metadata=rename_skipped(checkpoint.metadata, renamed),
        )
        for checkpoint in checkpoints
    ]


def translate_context(context: WorkflowContext, renamed: Renamed) -> WorkflowContext:
    """Give a context with its steps under their new names; raise `InvalidSetting` if two would have one name."""
    try:
        return rename_context(context, renamed) if renamed else context
    except ValueError as error:
        raise InvalidSetting(f"the steps of run {context.run_id!r} cannot be renamed so: {error}") from error


def restore(names: Sequence[str], renamed: Renamed) -> tuple[str, ...]:
    """Give the old names of steps, as they are stored until the run is claimed."""
    return rename_each(names, {new: old for old, new in renamed.items()})


def _refuse_strangers(run: ClaimableRun, workflow: Workflow, renamed: Renamed) -> None:
    known = run.definition.names
    for old, new in renamed.items():
        if old not in known:
            raise StepNotFound(
                f"run {run.run_id!r} has no step {old!r} that could be renamed; its steps are: {', '.join(known)}"
            )
        if new in known and new not in renamed:
            raise InvalidSetting(
                f"step {old!r} cannot be renamed to {new!r}: run {run.run_id!r} has another step of that name; "
                "rename that one too, or choose another name"
            )
        workflow.index_of(new)


def _translate_definition(definition: Definition, renamed: Renamed) -> Definition:
    first = definition.first_names
    kept = {name: first[name] for name in first if name not in renamed}
    moved = {new: first.get(old, old) for old, new in renamed.items()}
    return replace(
        definition,
        steps=tuple(replace(step, name=rename(step.name, renamed)) for step in definition.steps),
        first_names={**kept, **moved},
        unsaved=None if definition.unsaved is None else frozenset(rename(name, renamed) for name in definition.unsaved),
        begun=frozenset(rename(name, renamed) for name in definition.begun),
    )


def _translate_override(override: Override, renamed: Renamed) -> Override:
    return replace(
        override,
        step=rename(override.step, renamed),
        context=override.context and translate_context(override.context, renamed),
    )


def _translate_point(point: ResumePoint, renamed: Renamed) -> ResumePoint:
    return replace(
        point,
        step=rename(point.step, renamed),
        skipped=rename_each(point.skipped, renamed),
        context=point.context and translate_context(point.context, renamed),
    )
