"""`Outlook`: where a resume of a run would go on, and why it would not."""

from dataclasses import dataclass, replace

from spine.cli import loading
from spine.cli.options import Options
from spine.cli.story import Story
from spine.codec.limits import DEFAULT_LIMITS
from spine.errors import SpineError
from spine.orchestration.registry import DEFAULT_REGISTRY
from spine.orchestration.resume import Told, locate, plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A story, the step at which a plain resume goes on, if any, and what such a resume raises instead, if known."""

    story: Story
    goes_on_at: str | None
    refusal: SpineError | None = None

    @classmethod
    def of(cls, story: Story, options: Options) -> "Outlook":
        """Ask the workflow as it is now, if the operator named it with `--app`; nothing is imported unasked."""
        stored = story.resumes_at
        if stored is None or options.app is None:
            return cls(story=story, goes_on_at=stored)
        try:
            return cls(story=story, goes_on_at=_step_now(story, options))
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
