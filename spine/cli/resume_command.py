"""The exact command that resumes a run."""

from dataclasses import dataclass

from spine.cli.options import Options
from spine.cli.spelling import holds_secret
from spine.records.names import typed


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeCommand:
    """What to type to resume a run, and what must be done `first`, if anything."""

    line: str
    first: str | None = None

    def lines(self) -> list[str]:
        """Tell it to people, the command last, so that it can be copied to the end of the line."""
        return [*([self.first] if self.first else []), f"resume it with: {self.line}"]


def resume_command(run_id: str, options: Options, *, app: str | None) -> ResumeCommand | None:
    """Spell the command that resumes a run; None for one that is in memory only and gone with this process.

    `app` is what `--app` must say, None if the environment or pyproject.toml say it. A secret is never repeated.
    """
    url = options.database_url
    if url is not None and url.startswith("memory:"):
        return None
    is_secret = url is not None and holds_secret(url)
    words = [] if app is None else ["--app", app]
    if url is not None and not is_secret:
        words += ["--database-url", url]
    return ResumeCommand(
        line=f"spine resume {typed(run_id, *words)}",
        first="put the database URL, which holds a secret, into SPINE_DATABASE_URL" if is_secret else None,
    )
