"""The commands that a text tells people to type, made to lead to the database and the app that they named."""

import re
import shlex

from spine.cli.spelling import holds_secret

_COMMAND = re.compile(
    r"(?:(?<=: )|(?<=\())spine (db upgrade|doctor|runs (?:list|show|cancel)|checkpoints list|resume)\b"
    r"(?!.* --database-url )"  # said already
)


def completed(text: str, *, url: str | None, app: str | None = None) -> str:
    """Add `--database-url` to each command in a text, and `--app` to those that resume; a secret is never repeated."""
    words = [] if url is None or holds_secret(url) else ["--database-url", url]
    of_app = [] if app is None else ["--app", app]

    def complete(found: re.Match[str]) -> str:
        return shlex.join([*found[0].split(), *(of_app if found[1] == "resume" else []), *words])

    return _COMMAND.sub(complete, text) if words or of_app else text
