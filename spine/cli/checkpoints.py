"""`spine checkpoints`: list, show, delete."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from spine.cli import loading, render, spelling
from spine.cli.options import Options, ReasonOption, command, new_app
from spine.cli.output import out, say
from spine.cli.render import Cell, Column, faint
from spine.cli.runs import RunId
from spine.cli.shown_run import removal
from spine.cli.story import AGAIN, DONE, SKIPPED, StepStanding, Story, readable_summary
from spine.errors import SnapshotCorrupt, SnapshotTooNew
from spine.orchestration.runner import WorkflowRunner
from spine.records.checkpoint import Checkpoint, CheckpointSummary
from spine.records.run import standing

app = new_app("List, show and delete the checkpoints of a run.")


@app.command("list")
@command
def list_checkpoints(options: Options, *, run_id: RunId) -> None:
    """List the checkpoints of a run in the order they were written.

    Example: spine checkpoints list 6f1c0c2e-5a63-4b0e-9f5e-1f6b8f0c9a51
    """
    with loading.open_runner(options) as runner:
        found = runner.list_checkpoints(run_id)
        story = _story(runner, run_id)
    if options.json:
        unsaved = _unsaved(story)
        render.print_json(
            [
                {**_document(saved), "not_checkpointed_before": _names(unsaved.get(saved.step_name, ()))}
                for saved in found
            ]
        )
    elif found:
        _print_checkpoints(found, story)
    else:
        say(f"run {run_id} has no checkpoints{_why_none(story)}")


@app.command("show")
@command
def show(
    options: Options,
    *,
    run_id: RunId,
    step: Annotated[
        str | None,
        typer.Argument(metavar="STEP", help="The step; else that of the latest checkpoint.", show_default=False),
    ] = None,
) -> None:
    """Show one checkpoint: its metadata, and the whole context that it keeps.

    Example: spine checkpoints show 6f1c0c2e-5a63-4b0e-9f5e-1f6b8f0c9a51 validate
    """
    with loading.open_runner(options) as runner:
        checkpoint = runner.get_checkpoint(run_id, step)
    if options.json:
        render.print_json({**_document(checkpoint), "context_snapshot": render.plain(checkpoint.context_snapshot)})
        return
    render.print_facts(_facts(checkpoint))
    for name in ("params", "partition", "outputs", "quality_metrics"):
        value = checkpoint.context_snapshot[name]
        if value:
            out("")
            out(f"{name} {render.pretty(value)}")


@app.command("delete")
@command
def delete(options: Options, *, run_id: RunId, reason: ReasonOption = None) -> None:
    """Delete all checkpoints of a run, for good: it can no longer be resumed.

    Example: spine checkpoints delete 6f1c0c2e-5a63-4b0e-9f5e-1f6b8f0c9a51
    """
    with loading.open_runner(options) as runner:
        removed = runner.delete_checkpoints(run_id, reason=reason)
        run = readable_summary(runner, run_id)
    state = None if run is None else run.state
    if options.json:
        render.print_json({"run_id": run_id, "deleted": removed, "state": state})
    else:
        which = f"run {run_id}" if state is None else f"run {run_id}, which {standing(state)}"
        options.confirm(f"deleted {spelling.count(removed, 'checkpoint')} of {which}; it cannot be resumed any more")


def _why_none(story: Story | None) -> str:
    if story is None:
        return ""
    if story.run.removed_at is not None:
        return f" any more: {removal(story.run)}"
    return "" if story.resumes_at is None else f"; a resume goes on at {story.resumes_at}"


def _document(checkpoint: CheckpointSummary) -> dict[str, Any]:
    return {
        "run_id": checkpoint.run_id,
        "workflow_name": checkpoint.workflow_name,
        "step_name": checkpoint.step_name,
        "sequence": checkpoint.sequence,
        "next_step": checkpoint.next_step,
        "metadata": render.plain(checkpoint.metadata),
        "created_at": checkpoint.created_at,
        "updated_at": checkpoint.updated_at,
        "size": checkpoint.size,
    }


def _story(runner: WorkflowRunner, run_id: str) -> Story | None:
    """Read what is known of the run; what is damaged does not hide the list, which holds the way round it."""
    try:
        story = Story.of(runner, run_id)
    except (SnapshotCorrupt, SnapshotTooNew) as error:
        say(str(error))
        return None
    for damage in story.damages:
        say(str(damage))
    return story


def _unsaved(story: Story | None) -> dict[str | None, list[StepStanding]]:
    """Give the steps without a checkpoint, by the step after them that has one.

    By None those after the last checkpoint that were done or skipped all the same.
    """
    unsaved: dict[str | None, list[StepStanding]] = {}
    since: list[StepStanding] = []
    for step in story.standings() if story else ():
        if step.checkpoint is None:
            since.append(step)
        else:
            unsaved[step.name], since = since, []
    return {**unsaved, None: [step for step in since if step.state in (DONE, AGAIN, SKIPPED)]}


def _names(steps: Sequence[StepStanding]) -> list[str]:
    return [step.name for step in steps]


def _print_checkpoints(found: Sequence[CheckpointSummary], story: Story | None) -> None:
    columns = [
        Column("#", right=True),
        Column("STEP", yields=True),
        Column("SAVED (UTC)"),
        Column("TOOK", right=True),
        Column("SIZE", right=True),
        Column("NEXT", yields=True),
    ]
    unsaved = _unsaved(story)
    rows = [row for saved in found for row in (*_unsaved_rows(unsaved.get(saved.step_name, ())), _row(saved))]
    render.print_table(columns, [*rows, *_unsaved_rows(unsaved[None])])
    if story is not None and story.resumes_at is not None:
        say(f"a resume goes on at {story.resumes_at}")


def _unsaved_rows(unsaved: Sequence[StepStanding]) -> list[list[Cell | str]]:
    why = {SKIPPED: "skipped", AGAIN: "no checkpoint: runs again"}
    return [["", faint(step.name), faint(why.get(step.state, "no checkpoint")), "", "", ""] for step in unsaved]


def _row(checkpoint: CheckpointSummary) -> list[Cell | str]:
    is_skipped = checkpoint.metadata.get("outcome") == SKIPPED
    return [
        str(checkpoint.sequence),
        f"{checkpoint.step_name} (skipped)" if is_skipped else checkpoint.step_name,
        faint(spelling.moment(checkpoint.updated_at)),
        spelling.took(checkpoint.metadata.get("duration")),
        spelling.size(checkpoint.size),
        faint(checkpoint.next_step or "the end"),
    ]


def _facts(checkpoint: Checkpoint) -> list[tuple[str, Cell | str]]:
    facts: list[tuple[str, Cell | str]] = [
        ("run", checkpoint.run_id),
        ("workflow", checkpoint.workflow_name),
        ("step", checkpoint.step_name),
        ("sequence", str(checkpoint.sequence)),
        ("next", checkpoint.next_step or "the end"),
        ("saved", f"{spelling.moment(checkpoint.updated_at)} UTC"),
        ("size", spelling.size(checkpoint.size)),
    ]
    return facts + [(name, _fact(name, value)) for name, value in checkpoint.metadata.items()]


def _fact(name: str, value: Any) -> str:
    told = spelling.took(value) if name == "duration" else ""
    return told or (value if isinstance(value, str) else render.one_line(value))
