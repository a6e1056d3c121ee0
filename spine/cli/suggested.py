"""The commands that a text tells people to type, made to lead to the database that they named."""

import re
import shlex

from spine.cli.spelling import holds_secret

_COMMAND = re.compile(
    r"(?:(?<=: )|(?<=\())spine (?:db upgrade|doctor|runs (?:list|show|cancel)|checkpoints list|resume)\b"
    r"(?!.* --database-url )"  # said already
)


def for_database(text: str, url: str | None) -> str:
    """Add `--database-url` to each command in a text; a secret is never repeated."""
    if url is None or not _COMMAND.search(text) or holds_secret(url):
        return text
    return _COMMAND.sub(lambda found: f"{found[0]} --database-url {shlex.quote(url)}", text)
