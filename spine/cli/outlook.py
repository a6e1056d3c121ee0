"""`Outlook`: where a resume of a run would go on, why it would not, and what to know before it does."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from spine.cli import loading, spelling
from spine.cli.options import Options
from spine.cli.story import Story
from spine.codec.limits import DEFAULT_LIMITS
from spine.config.settings import load_settings
from spine.errors import SpineError
from spine.orchestration.checkpointing import parse_strategy, strategy_for
from spine.orchestration.registry import DEFAULT_REGISTRY
from spine.orchestration.renaming import translate_checkpoints, translate_run
from spine.orchestration.resume import Told, locate, plan
from spine.orchestration.runner import WorkflowRunner
from spine.orchestration.steps_gone import steps_gone
from spine.records.checkpoint import CheckpointSummary
from spine.records.event import Event, EventKind
from spine.records.run import ClaimableRun, RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A story, the step at which a plain resume goes on, if any, and what such a resume raises instead, if known.

    `warning` is what whoever resumes should know first.
    """

    story: Story
    goes_on_at: str | None
    refusal: SpineError | None = None
    warning: str | None = None

    @classmethod
    def of(cls, story: Story, options: Options) -> "Outlook":
        """Ask the workflow as it is now, if the operator named it with `--app`; nothing is imported unasked."""
        stored = story.resumes_at
        if stored is None or options.app is None:
            return cls(story=story, goes_on_at=stored)
        try:
            goes_on_at = _step_now(story, options)
            warning = "".join(_told_gone(story.run, story.checkpoints, {}))
            return cls(story=story, goes_on_at=goes_on_at, warning=warning or None)
        except SpineError as refusal:
            return cls(story=replace(story, next_step=None), goes_on_at=None, refusal=refusal)


def _step_now(story: Story, options: Options) -> str:
    """Find the step as a resume does; raise what it would raise."""
    for workflow in loading.load_app_of(options):
        DEFAULT_REGISTRY.add_workflow(workflow)
    now = DEFAULT_REGISTRY.get_workflow_of(story.run)
    DEFAULT_REGISTRY.require_pipelines(now)
    assert story.context is not None  # noqa: S101  # else it would not go on
    position = locate(now, story.run, story.checkpoints, Told())
    plan(now, story.run, position, story.context, Told(), DEFAULT_LIMITS)
    return now.step_names[position.index]


def before_resume(runner: WorkflowRunner, run_id: str, *, renamed: Mapping[str, str]) -> Iterator[str]:
    """Tell what whoever resumes a run may not know: that somebody cancelled it, and which steps are gone."""
    try:
        run, checkpoints = runner.get_summary(run_id), runner.list_checkpoints(run_id)
        if run.status is RunStatus.CANCELLED:
            events = [event for event in runner.list_events(run_id) if event.kind is EventKind.RUN_CANCELLED]
            yield from map(_told_cancelled, events[-1:])
        if run.status is not RunStatus.COMPLETED:
            yield from _told_gone(run, checkpoints, renamed)
    except SpineError:  # which the resume tells, or does not mind
        return


def _told_cancelled(event: Event) -> str:
    why = f": {event.reason}" if event.reason else ""
    return spelling.safe(f"the run was cancelled by {event.actor} on {spelling.moment(event.at)} UTC{why}")


def _told_gone(run: ClaimableRun, checkpoints: Sequence[CheckpointSummary], renamed: Mapping[str, str]) -> list[str]:
    workflow = DEFAULT_REGISTRY.get_workflow_of(run)
    run, checkpoints = translate_run(run, workflow, renamed), translate_checkpoints(checkpoints, renamed)
    reached = locate(workflow, run, checkpoints, Told()).index  # raises what the resume will
    strategy = strategy_for(workflow, parse_strategy(load_settings().checkpoint_strategy))
    gone = steps_gone(workflow, run, reached, strategy)
    if not gone:
        return []
    options = " ".join(f"--renamed {shlex.quote(f'{name}=NEW')}" for name in gone)
    told = (
        f"the workflow has {', '.join(map(repr, gone))} no more, which the run may have begun: what stands there now "
        f"is taken as new, with new idempotency keys. Only a resume with {options} knows better"
    )
    return [spelling.safe(told)]
