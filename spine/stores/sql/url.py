"""Database URLs: read, and spelled for people without the password."""

import math

import sqlalchemy
from sqlalchemy import URL
from sqlalchemy.exc import ArgumentError

from spine.errors import InvalidSetting
from spine.stores.sql.dialect import SQLITE

_DRIVERS = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


def parse_url(text: str) -> URL:
    """Read a database URL; raise `InvalidSetting` without repeating it, since it may hold a password."""
    try:
        url = sqlalchemy.make_url(text)
    except (ArgumentError, ValueError):
        raise InvalidSetting(
            "the database URL cannot be read; it looks like sqlite:///spine.db or postgresql://user:password@host/name"
        ) from None
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise InvalidSetting(
            f"no store for {url.drivername!r} URLs; use sqlite:///spine.db, postgresql://user:password@host/name "
            "or memory://"
        )
    if driver == SQLITE and url.database in (None, "", ":memory:"):
        raise InvalidSetting("a SQLite URL needs a file: sqlite:///spine.db; without a file, use memory://")
    if "@" in (url.host or ""):  # the rest of the password would be taken for the host, and shown
        raise InvalidSetting("the database URL has more than one @; in a password, write it as %40")
    if url.query.get("pooler", "transaction") != "transaction":
        raise InvalidSetting("the pooler of a database URL can be transaction; leave it out for anything else")
    if not _is_duration(url.query.get("answer_timeout", "1")):
        raise InvalidSetting("the answer_timeout of a database URL is a number of seconds above 0, such as 35")
    return url.set(drivername=driver)


def _is_duration(text: object) -> bool:
    try:
        return 0 < float(str(text)) < math.inf
    except ValueError:
        return False


def describe(url: URL) -> str:
    """Spell a URL for people, without its password."""
    shown = url.set(query={name: value for name, value in url.query.items() if "pass" not in name.lower()})
    return shown.render_as_string(hide_password=True).replace("postgresql+psycopg:", "postgresql:", 1)
