"""Database URLs: read, and spelled for people without the password."""

import math
import re
from typing import Any
from urllib.parse import parse_qsl

import sqlalchemy
from sqlalchemy import URL
from sqlalchemy.exc import ArgumentError

from spine.errors import InvalidSetting, alike
from spine.stores.sql.dialect import SQLITE

_DRIVERS = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
LAST_PORT = 65_535
_SECOND_AT = re.compile(r"[^/]*//(?>(?:[^:/]*(?::[^@]*)?@)?).*@")
OF_SPINE = frozenset({"pooler", "answer_timeout", "spin"})  # and not of libpq
_SEVERAL = frozenset({"host", "hostaddr", "port"})  # of a cluster
_SECRET = ("pass", "secret", "scram")
_WHOLE = frozenset(
    {
        "connect_timeout",
        "tcp_user_timeout",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
    }
)


def parse_url(text: str) -> URL:
    """Read a database URL; raise `InvalidSetting` without repeating it, since it may hold a password."""
    if not text.isprintable():
        raise InvalidSetting(
            "the database URL holds characters that cannot be printed, such as the end of a line or NUL; take them "
            "out, and in a password write them as %0A"
        )
    try:
        url = sqlalchemy.make_url(text)
    except (ArgumentError, ValueError):
        raise InvalidSetting(
            "the database URL cannot be read; it should look like sqlite:///spine.db or "
            "postgresql://user:password@host/name"
        ) from None
    driver = _DRIVERS.get(url.drivername)
    if driver != SQLITE and _SECOND_AT.match(text):
        # The rest of a password would be taken for the host, the database or an option, and shown.
        raise InvalidSetting(
            "a database URL has one @, before the host; in a password write it as %40, a / as %2F and a ? as %3F"
        )
    if driver is None:
        raise InvalidSetting(
            f"no store for {url.drivername!r} URLs; use sqlite:///spine.db, postgresql://user:password@host/name "
            "or memory://"
        )
    _refuse_nul(url)
    _refuse_blank_options(text)
    (_check_sqlite if driver == SQLITE else _check_postgresql)(url)
    return url.set(drivername=driver)


def describe(url: URL) -> str:
    """Spell a URL for people, without its password, and `host=db1:5432` as they write it."""
    if url.database is not None:  # a name of bytes that are no UTF-8 can be shown, but not typed
        url = url.set(database=url.database.encode(errors="backslashreplace").decode())
    shown = url.difference_update_query(secrets_in(url)).render_as_string(hide_password=True)
    place, mark, options = shown.replace("postgresql+psycopg:", "postgresql:", 1).partition("?")
    return f"{place}{mark}{options.replace('%3A', ':')}"


def secrets_in(url: URL) -> dict[str, Any]:
    """Give the options of a URL that nobody may see."""
    return {name: value for name, value in url.query.items() if any(mark in name.lower() for mark in _SECRET)}


def _refuse_nul(url: URL) -> None:
    values = (one for value in url.query.values() for one in ([value] if isinstance(value, str) else value))
    if any("\0" in (part or "") for part in (url.host, url.username, url.password, url.database, *url.query, *values)):
        raise InvalidSetting("the database URL holds a NUL character (%00), which no database takes; take it out")


def _refuse_blank_options(text: str) -> None:
    """Refuse what SQLAlchemy leaves out: a SQLite file with a `?` in its name would be another one."""
    after_login = text if text.startswith(SQLITE) else text.rpartition("@")[2]
    options = parse_qsl(after_login.partition("?")[2], keep_blank_values=True)
    if not all(value for _, value in options):  # which one is not told: it may be the rest of a password
        raise InvalidSetting(
            "an option of the database URL has no value; leave it out, and write a ? in a name as %3F, "
            "a & in a value as %26"
        )


def _check_sqlite(url: URL) -> None:
    if url.database in (None, "", ":memory:"):
        raise InvalidSetting("a SQLite URL needs a file: sqlite:///spine.db; without a file, use memory://")
    if url.host or url.username or url.password or url.port:
        raise InvalidSetting("a SQLite URL has three slashes, four for a full path, and no host: sqlite:///spine.db")
    if url.query:
        raise InvalidSetting(
            "a SQLite URL takes no options; leave out the ? and what follows it, as in sqlite:///spine.db"
        )


def _check_postgresql(url: URL) -> None:
    if "=" in (url.database or "") and "pass" in str(url.database).lower():  # nobody looks for a password there
        raise InvalidSetting("the options of a database URL follow a ?: postgresql://host/name?sslmode=require")
    if url.port is not None and not 1 <= url.port <= LAST_PORT:
        raise InvalidSetting(f"the port of a database URL is a number from 1 to {LAST_PORT}")
    if url.query.get("pooler", "transaction") != "transaction":
        raise InvalidSetting("the pooler of a database URL can be transaction; leave it out for anything else")
    if url.query.get("spin", "off") != "off":
        raise InvalidSetting("the spin of a database URL can be off; leave it out to spin where that is quicker")
    if not _is_duration(url.query.get("answer_timeout", "1")):
        raise InvalidSetting("the answer_timeout of a database URL is a number of seconds above 0, such as 35")
    if "client_encoding" in url.query:
        raise InvalidSetting("Spine always speaks UTF8 with PostgreSQL; leave client_encoding out of the database URL")
    if "dbname" in url.query:
        raise InvalidSetting("a database URL names the database after the host, not as dbname: postgresql://host/name")
    known = _libpq_options() | OF_SPINE
    for name, value in url.query.items():
        _check_option(name, value, known)


def _check_option(name: str, value: object, known: frozenset[str]) -> None:
    if name not in known:
        near = "".join(f"; did you mean {one}?" for one in alike(name, known, most=1))
        raise InvalidSetting(f"a database URL takes the options of libpq, and {name[:40]!r} is none{near}")
    if not isinstance(value, str) and name not in _SEVERAL:
        raise InvalidSetting(f"the database URL says {name} more than once")
    if name in _WHOLE and not str(value).isdecimal():
        raise InvalidSetting(f"the {name} of a database URL is a whole number")


def _libpq_options() -> frozenset[str]:
    from psycopg import pq  # noqa: PLC0415  # the driver, where it is chosen

    return frozenset(option.keyword.decode() for option in pq.Conninfo.get_defaults())


def _is_duration(text: object) -> bool:
    try:
        return 0 < float(str(text)) < math.inf
    except ValueError:
        return False
