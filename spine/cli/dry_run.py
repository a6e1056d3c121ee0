"""Tells what a resume would do: `spine resume --dry-run`."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from spine.cli import render, spelling
from spine.cli.options import Options
from spine.cli.output import out
from spine.cli.render import Cell
from spine.cli.shown_run import short
from spine.errors import SnapshotCorrupt, SnapshotTooNew
from spine.orchestration.preview import ResumePreview
from spine.orchestration.runner import WorkflowRunner

_STEP_LISTS = ("steps", "passed_over", "removed_checkpoints", "begun", "steps_gone")


def tell_preview(preview: ResumePreview, options: Options) -> None:
    """Write it to stdout, as JSON or for people."""
    if options.json:
        render.print_json(_document(preview))
        return
    start = preview.steps[0]
    out(spelling.safe(f"run {preview.run_id} of {preview.workflow_name} would go on at {start}; nothing was run"))
    params = preview.context.params
    facts: list[tuple[str, Cell | str]] = [
        ("runs", _listed(preview.steps)),
        ("passes over", _listed(preview.passed_over)),
        ("removes checkpoints of", _listed(preview.removed_checkpoints)),
        *((f"param {name}", short(value)) for name, value in params.items()),
    ]
    render.print_facts(facts)


def tell_nothing_to_resume(runner: WorkflowRunner, run_id: str, options: Options) -> None:
    """Say that the run has completed; where its newest checkpoint is damaged, its params are not known."""
    run = runner.get_summary(run_id)
    if not options.json:
        out(spelling.safe(f"run {run.run_id} of {run.workflow_name} has completed already; there is nothing to do"))
        return
    params = None
    with suppress(SnapshotCorrupt, SnapshotTooNew):
        params = render.plain(runner.get_run(run_id).params)
    nothing = dict[str, list[str]]((name, []) for name in _STEP_LISTS)
    render.print_json({"run_id": run.run_id, "workflow_name": run.workflow_name, **nothing, "params": params})


def _document(preview: ResumePreview) -> dict[str, Any]:
    return {
        "run_id": preview.run_id,
        "workflow_name": preview.workflow_name,
        **{name: list(getattr(preview, name)) for name in _STEP_LISTS},
        "params": render.plain(preview.context.params),
    }


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
