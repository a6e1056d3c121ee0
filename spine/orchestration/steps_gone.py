"""Steps that a run may have begun and that its workflow has no more: perhaps they only have new names."""

from collections.abc import Sequence

from spine.errors import DefinitionChanged
from spine.orchestration.workflow import Workflow
from spine.records.names import typed
from spine.records.run import RunSummary


def steps_gone(workflow: Workflow, begun: Sequence[str]) -> tuple[str, ...]:
    """Name those of the steps that may have begun which the workflow has no more."""
    return tuple(name for name in begun if name not in workflow.step_names)


def refuse_steps_gone(workflow: Workflow, run: RunSummary, begun: Sequence[str]) -> None:
    """Let a person decide: what such a step did may be done again under a new idempotency key."""
    if gone := steps_gone(workflow, begun):
        raise DefinitionChanged(
            f"run {run.run_id!r} may have begun {', '.join(map(repr, gone))}, which workflow {workflow.name!r} has no "
            "more; nothing was run. Resume it by hand: if it only has a new name, with renamed={old: new} "
            f"(spine resume {typed(run.run_id, '--renamed', f'{gone[0]}=NEW')}), else as it is"
        )
