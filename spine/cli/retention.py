"""`spine retention`: run, show."""

from typing import Annotated, Any

import typer

from spine.cli import loading, render, spelling
from spine.cli.options import Options, command, new_app
from spine.cli.output import out
from spine.config.settings import load_settings
from spine.errors import InvalidSetting
from spine.retention import Purged

app = new_app("Remove the checkpoints of runs that ended long ago.")

SHOWN = 20


@app.command("run")
@command
def run(
    options: Options,
    *,
    days: Annotated[
        float | None,
        typer.Option(
            metavar="DAYS",
            help="Remove what completed longer ago. Else SPINE_CHECKPOINT_RETENTION_DAYS or pyproject.toml.",
        ),
    ] = None,
    failed_days: Annotated[
        float | None, typer.Option(metavar="DAYS", help="The same for failed and cancelled runs; else as --days.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")] = False,
) -> None:
    """Remove the checkpoints of completed, failed and cancelled runs that are old enough; the runs stay listed.

    Example: spine retention run --days 30 --failed-days 90 --dry-run
    """
    if days is None and _days_set() is None:
        raise InvalidSetting("say how many days to keep with --days, or set SPINE_CHECKPOINT_RETENTION_DAYS")
    with loading.open_runner(options) as runner:
        purged = runner.purge(days, failed_days=failed_days, dry_run=dry_run)
    if options.json:
        render.print_json(_document(purged))
        return
    if dry_run:
        out(_summary(purged))
        _print_ids(purged)
    else:
        options.confirm(_summary(purged))


@app.command("show")
@command
def show(options: Options) -> None:
    """Show the retention in force, and what it would remove now.

    Example: spine retention show
    """
    days = _days_set()
    purged = None
    if days is not None:
        with loading.open_runner(options) as runner:
            purged = runner.purge(dry_run=True)
    if options.json:
        render.print_json(
            {"checkpoint_retention_days": days, "would_remove": None if purged is None else _document(purged)}
        )
        return
    if purged is None:
        out("no retention is set: checkpoints stay until `spine retention run --days DAYS` removes them")
        out("set it with SPINE_CHECKPOINT_RETENTION_DAYS, or checkpoint_retention_days under [tool.spine]")
        return
    window = f"{days:g} days"
    render.print_facts(
        [
            ("completed runs", f"keep their checkpoints for {window} after they ended"),
            ("failed and cancelled runs", f"keep them for {window} after their last activity"),
            ("other runs", "keep them"),
        ]
    )
    out("")
    out(_summary(purged))
    _print_ids(purged)


def _days_set() -> float | None:
    return load_settings().checkpoint_retention_days


def _document(purged: Purged) -> dict[str, Any]:
    return {"runs": list(purged.runs), "checkpoints": purged.checkpoints, "dry_run": purged.dry_run}


def _summary(purged: Purged) -> str:
    verb = "would remove" if purged.dry_run else "removed"
    checkpoints, runs = spelling.count(purged.checkpoints, "checkpoint"), spelling.count(len(purged.runs), "run")
    return f"{verb} {checkpoints} of {runs}"


def _print_ids(purged: Purged) -> None:
    for run_id in purged.runs[:SHOWN]:
        out(f"  {run_id}")
    if len(purged.runs) > SHOWN:
        out(f"  and {len(purged.runs) - SHOWN:,} more; --json lists them all")
