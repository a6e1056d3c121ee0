"""`spine doctor`."""

from dataclasses import replace

import typer

from spine.cli import loading, render
from spine.cli.failures import ExitCode
from spine.cli.options import Options, command
from spine.cli.render import Cell
from spine.cli.suggested import completed
from spine.records.finding import Finding, Verdict

_STYLES = {Verdict.FINE: "green", Verdict.ADVICE: "yellow", Verdict.PROBLEM: "red"}


@command
def doctor(options: Options) -> None:
    """Look at the set-up and say what to do.

    It looks at the database, its tables, clock, durability and permissions. The exit code is 1 if something is wrong,
    and 0 if all is fine or could only be better.

    Example: spine doctor --database-url sqlite:///spine.db
    """
    with loading.open_runner(options) as runner:
        findings = [_leading_to(options.database_url, finding) for finding in runner.examine()]
    if options.json:
        render.print_json([_document(finding) for finding in findings])
    else:
        render.print_facts([line for finding in findings for line in _lines(finding)])
    if any(finding.verdict is Verdict.PROBLEM for finding in findings):
        raise typer.Exit(ExitCode.FAILED)


def _leading_to(database_url: str | None, finding: Finding) -> Finding:
    """Let the commands that a finding tells to type lead to the database that was looked at."""
    remedy = finding.remedy and completed(finding.remedy, url=database_url)
    return replace(finding, seen=completed(finding.seen, url=database_url), remedy=remedy)


def _lines(finding: Finding) -> list[tuple[str, Cell | str]]:
    seen = Cell(f"{finding.verdict.value}: {finding.seen}", _STYLES[finding.verdict])
    return [(finding.subject, seen), ("  to do", finding.remedy or "")]


def _document(finding: Finding) -> dict[str, str | None]:
    return {
        "subject": finding.subject,
        "verdict": finding.verdict.value,
        "seen": finding.seen,
        "remedy": finding.remedy,
    }
