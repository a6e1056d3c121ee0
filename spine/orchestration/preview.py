"""`ResumePreview`: what a resume of a run would do."""

from dataclasses import dataclass

from spine.orchestration.changed_steps import steps_gone
from spine.orchestration.resume import Plan
from spine.records.context import WorkflowContext


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumePreview:
    """What a resume would do, of which nothing is done yet.

    `steps` are those that it runs, beginning with the one at which it goes on, which gets `context`. `passed_over` are
    steps before it that are not done and that it leaves out; `removed_checkpoints` are the steps whose checkpoints go.
    `begun` are steps that may have begun since the newest checkpoint. `steps_gone` may have begun too, and the workflow
    no longer has them: if one of them only has a new name, say so with `renamed`, or its step is taken as new, with new
    idempotency keys.
    """

    run_id: str
    workflow_name: str
    steps: tuple[str, ...]
    passed_over: tuple[str, ...]
    removed_checkpoints: tuple[str, ...]
    begun: tuple[str, ...]
    steps_gone: tuple[str, ...]
    context: WorkflowContext


def preview_of(plan: Plan) -> ResumePreview:
    """Tell what a plan comes to."""
    progress, gone = plan.progress, steps_gone(plan.progress.workflow, plan.begun)
    absent = frozenset(gone)
    return ResumePreview(
        run_id=progress.context.run_id,
        workflow_name=progress.workflow.name,
        steps=progress.workflow.step_names[progress.index :],
        passed_over=tuple(progress.unsaved_skips),
        removed_checkpoints=plan.removed_steps,
        begun=tuple(name for name in plan.begun if name not in absent),
        steps_gone=gone,
        context=progress.context,
    )
