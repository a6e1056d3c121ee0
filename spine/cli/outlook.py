"""`Outlook`: where a resume of a run would go on, why it would not, and what to know before it does."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from spine.cli import loading, spelling
from spine.cli.options import Options
from spine.cli.story import Story
from spine.cli.suggested import completed
from spine.errors import SpineError
from spine.orchestration.changed_steps import renaming_options
from spine.orchestration.preview import ResumePreview
from spine.orchestration.runner import WorkflowRunner
from spine.records.event import EventKind
from spine.records.run import RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A story, the step at which a plain resume goes on, if any, and why such a resume is refused instead, if known.

    `warnings` are what whoever resumes should know first.
    """

    story: Story
    goes_on_at: str | None
    refusal: str | None = None
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, story: Story, runner: WorkflowRunner, options: Options) -> "Outlook":
        """Ask the workflow as it is now, if the operator named it with `--app`; nothing is imported unasked."""
        stored = story.resumes_at
        if stored is None or options.app is None:
            return cls(story=story, goes_on_at=stored)
        try:
            runner.register(*loading.load_app_of(options))
            preview = runner.preview_resume(story.run.run_id)
        except SpineError as error:
            refusal = completed(str(error), url=options.database_url, app=options.app)
            return cls(story=replace(story, next_step=None), goes_on_at=None, refusal=refusal)
        return cls(story=story, goes_on_at=preview.steps[0], warnings=(*surprises(preview), *again(preview)))


def told_cancelled(runner: WorkflowRunner, run_id: str) -> Iterator[str]:
    """Say who cancelled a run, if it is cancelled, and why."""
    if runner.get_summary(run_id).status is RunStatus.CANCELLED:
        for event in [event for event in runner.list_events(run_id) if event.kind is EventKind.RUN_CANCELLED][-1:]:
            why = f": {event.reason}" if event.reason else ""
            yield spelling.safe(f"the run was cancelled by {event.actor} on {spelling.moment(event.at)} UTC{why}")


def surprises(preview: ResumePreview) -> Iterator[str]:
    """Say what is gone for good, and what nobody may have meant to run again."""
    if gone := preview.steps_gone:
        options = shlex.join(renaming_options(gone)) or "renamed={old: new} in Python"
        yield spelling.safe(
            f"the run may have begun {_listed(gone)}, which the workflow no longer has: the steps there now count as "
            f"new and get new idempotency keys. If there are only new names, add {options}"
        )
    taken = frozenset(preview.steps)
    if lost := [name for name in preview.removed_checkpoints if name not in taken]:
        yield spelling.safe(f"what {_listed(lost)} gave, outputs and params, is removed with the checkpoint")


def again(preview: ResumePreview) -> Iterator[str]:
    """Say which steps may have run before and run again, for want of a checkpoint."""
    taken = frozenset(preview.steps)
    begun = [name for name in preview.begun if name in taken]
    if len(begun) > 1:
        yield spelling.safe(f"{_listed(begun)} have no checkpoint: those that ran before run again")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))
