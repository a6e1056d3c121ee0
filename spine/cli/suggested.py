"""The commands that a text tells people to type, made to lead to the database that they named."""

import re
import shlex

_ID = r"(?:'[^']*'|[^\s;,()'-][^\s;,()]*)"
_COMMAND = re.compile(rf"\bspine (?:db upgrade|runs list|(?:runs cancel|checkpoints list|resume) {_ID})")


def for_database(text: str, url: str | None) -> str:
    """Add `--database-url` to each command in a text; a secret is never repeated."""
    if url is None or not _COMMAND.search(text) or holds_secret(url):
        return text
    return _COMMAND.sub(lambda found: f"{found[0]} --database-url {shlex.quote(url)}", text)


def holds_secret(url: str) -> bool:
    """Tell whether a URL has a password, or another secret among its options."""
    from spine.stores.sql.url import parse_url, secrets_in  # noqa: PLC0415  # SQLAlchemy is slow to import

    parsed = parse_url(url)
    return parsed.password is not None or bool(secrets_in(parsed))
