"""What keeps a run from going on since its workflow has other steps: some that are done, or that it may have begun."""

from collections.abc import Sequence

from spine.errors import DefinitionChanged
from spine.orchestration.workflow import Workflow
from spine.records.names import typed
from spine.records.run import RunSummary


def refuse_changed_steps(workflow: Workflow, run: RunSummary, done: int) -> None:
    """Raise `DefinitionChanged` unless the first steps, so many as are done, are what and where they were."""
    before, now = run.definition.names[:done], workflow.step_names[:done]
    if before == now:
        return
    gone = steps_gone(workflow, before)
    new = sorted({*now}.difference(run.definition.names), key=now.index)
    latest = next((name for name, then in zip(now, before, strict=False) if name != then), workflow.step_names[-1])
    ahead = frozenset(workflow.step_names[workflow.index_of(latest) :])
    again = [name for name in before if name in ahead]
    raise DefinitionChanged(
        f"workflow {workflow.name!r} no longer begins with the steps that run {run.run_id!r} has done; nothing was run."
        f" Done: {', '.join(before)}. Now: {', '.join(workflow.step_names)}."
        f" Missing: {', '.join(gone) or 'none'}; new among them: {', '.join(new) or 'none'}."
        f" Steps that are done must stay what and where they were; later ones may change.{_if_renamed(run, gone, new)}"
        f" To go on before the change, start from {latest!r}, or from a step before it, with start_from"
        f" (spine resume {typed(run.run_id, '--start-from', latest)}){_consequences(again, gone)}."
    )


def steps_gone(workflow: Workflow, taken: Sequence[str]) -> tuple[str, ...]:
    """Name those of some steps that the workflow no longer has: perhaps they have new names."""
    there = frozenset(workflow.step_names)
    return tuple(name for name in taken if name not in there)


def renaming_options(gone: Sequence[str], new: Sequence[str] = ()) -> list[str]:
    """Spell how steps that are gone are said to have new names, which are known of one and one.

    Give nothing where a name has a `=`: nobody would know where to split it.
    """
    if any("=" in name for name in (*gone, *new)):
        return []
    names = new if len(gone) == len(new) == 1 else ["NEW"] * len(gone)
    return [word for old, name in zip(gone, names, strict=True) for word in ("--renamed", f"{old}={name}")]


def refuse_steps_gone(workflow: Workflow, run: RunSummary, begun: Sequence[str]) -> None:
    """Let a person decide: what such a step did may be done again under a new idempotency key."""
    if gone := steps_gone(workflow, begun):
        raise DefinitionChanged(
            f"run {run.run_id!r} may have begun {', '.join(map(repr, gone))}, which workflow {workflow.name!r} no "
            f"longer has; nothing was run. Resume it by hand.{_if_renamed(run, gone, [])} If they are gone for good, "
            f"resume it as it is (spine resume {typed(run.run_id)})"
        )


def _if_renamed(run: RunSummary, gone: Sequence[str], new: Sequence[str]) -> str:
    """Say how a resume is told of new names, if there may be any."""
    if not gone:
        return ""
    options = renaming_options(gone, new)
    command = f" (spine resume {typed(run.run_id, *options)})" if options else ""
    return f" If they only have new names, say so with renamed={{old: new}}{command}."


def _consequences(again: Sequence[str], gone: Sequence[str]) -> str:
    runs = [f"runs {', '.join(again)} again"] if again else []
    removes = [f"removes what {', '.join(gone)} gave"] if gone else []
    return f", which {' and '.join([*runs, *removes])}" if runs or removes else ""
