"""From what drivers and SQLAlchemy raise to `StoreError`."""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from spine.errors import StoreBusy, StoreError, StoreFull, StoreUnavailable
from spine.stores.sql import timeouts
from spine.stores.sql.url import describe

READ_ONLY = "25006"  # a SQLSTATE
_PASSING = frozenset({"40001", "40P01", "57P01", "57P02", "57P03", "57P05", "25P03", "25P04", READ_ONLY})
_OF_THE_CONNECTION = frozenset({"OperationalError", "InterfaceError", "InternalError"})
_LOCKED = (StoreBusy, "a lock is held by another session for too long; try again")
_LOST = (StoreUnavailable, "cannot be reached; check the URL and that the server runs, and try again")
_BY_STATE: dict[str, tuple[type[StoreError], str]] = {
    "55P03": _LOCKED,
    "40P01": _LOCKED,
    "40001": _LOCKED,
    "57014": (StoreBusy, "a statement took longer than statement_timeout allows; try again"),
    "25P03": (StoreUnavailable, "ended the connection by its idle_in_transaction_session_timeout; try again"),
    "25P04": (StoreBusy, "a transaction took longer than transaction_timeout allows; try again"),
    "54000": (StoreError, "cannot hold a value this large, JSONB ends at 256 MiB; keep a reference to it instead"),
    "53300": (StoreUnavailable, "has too many connections; try again, or raise max_connections"),
    "53100": (StoreFull, "has no space left on its disk; free some and try again"),
    "53200": (StoreFull, "is out of memory; give it more and try again"),
    "53400": (StoreFull, "has reached a limit that its configuration sets; raise it and try again"),
    "53": (StoreFull, "lacks something that it needs; give it more and try again"),
    "28": (StoreUnavailable, "refuses the login; check user and password"),
    "3D000": (StoreUnavailable, "there is no such database; create it first"),
    "42501": (StoreUnavailable, "the role lacks a permission; to see which, run: spine doctor"),
    READ_ONLY: (
        StoreUnavailable,
        "takes no writes: a standby, or default_transaction_read_only is on; name the server that does, or all",
    ),
    "08": _LOST,
    "57": _LOST,
    "57P03": (StoreUnavailable, "is starting or stopping; try again"),
    "26000": (
        StoreError,
        "forgot what was prepared; behind a pooler, add ?pooler=transaction to the URL",
    ),
    # no SQLSTATE: see _REFUSALS
    "silent": (
        StoreUnavailable,
        "does not answer; it hangs, or its commits wait for a synchronous standby that is away; ask: spine doctor",
    ),
    "option": (StoreUnavailable, "an option of the URL has a value that is not taken; mend the URL, or PGOPTIONS"),
    "pooler": (StoreUnavailable, "it is behind a pooler; add ?pooler=transaction to the URL"),
}
_LOCKED_FILE = (StoreBusy, "{where} stayed locked by another process for {busy_seconds:g} s; try again")
_BY_CODE: dict[int, tuple[type[StoreError], str]] = {
    sqlite3.SQLITE_BUSY: _LOCKED_FILE,
    sqlite3.SQLITE_LOCKED: _LOCKED_FILE,
    sqlite3.SQLITE_FULL: (StoreFull, "no space left for {where}; free some and try again"),
    sqlite3.SQLITE_IOERR_SHMSIZE: (StoreFull, "no space left to open {where}; free some and try again"),
    sqlite3.SQLITE_IOERR: (
        StoreUnavailable,
        "{where} could not be read or written: a limit of its size, no space, its log removed, or a bad disk; mend it",
    ),
    sqlite3.SQLITE_PROTOCOL: (
        StoreUnavailable,
        "{where} cannot be locked: a step closed files that it had not opened, or it is not on a local disk; mend it",
    ),
    sqlite3.SQLITE_READONLY: (
        StoreUnavailable,
        "{where} is read-only; SQLite must be able to write the file and in its folder, even to read: check both",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        StoreUnavailable,
        "cannot open {where}; {unopened}",
    ),
    sqlite3.SQLITE_NOTADB: (
        StoreUnavailable,
        "{where} is not a SQLite database; check its name, or restore it from a backup",
    ),
    sqlite3.SQLITE_CORRUPT: (
        StoreUnavailable,
        "{where} is damaged; restore it from a backup, or save with .recover of the sqlite3 shell what can be read",
    ),
}
# A server that refuses a login leaves no SQLSTATE with the driver, only its words. They choose the words for people,
# and nothing else: whether to try again is never decided by them. Compiled when first needed, not at every start.
_REFUSALS: tuple[tuple[str, str], ...] = (
    (r"^no answer within", "silent"),
    (r"password authentication failed|no password supplied|no pg_hba\.conf entry", "28"),
    (r"FATAL: +role .* does not exist|is not permitted to log in", "28"),
    (r"FATAL: +database .* does not exist", "3D000"),
    (r"too many (clients|connections)|remaining connection slots", "53300"),
    (r"database system is (starting up|shutting down|in recovery)", "57P03"),
    (r"unsupported startup parameter", "pooler"),
    (r"\binvalid (\w+ value|value for|command-line argument)|unrecognized configuration parameter", "option"),
)


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Turn what the driver or SQLAlchemy raises inside into a `StoreError`."""
    try:
        yield
    except DBAPIError as error:
        raise store_error(error.orig or error, url) from error
    except PoolTimeout as error:
        raise StoreUnavailable(f"no free connection to {describe(url)}") from error
    except OSError as error:
        if error.errno is None:  # not the system's: raised by a signal handler, say
            raise
        raise StoreUnavailable(f"{describe(url)} cannot be asked: {error}") from error
    except NotImplementedError as error:
        if "DateStyle" not in str(error):  # psycopg reads times as ISO writes them, and no others
            raise
        told = "leave datestyle out of the URL; behind a pooler set it: ALTER ROLE name SET datestyle = 'ISO'"
        raise StoreError(f"{describe(url)}: {error}; {told}") from error
    except Exception as error:
        if _is_driver_error(error):
            raise store_error(error, url) from error
        raise


def store_error(error: BaseException, url: URL) -> StoreError:
    """Say what a driver's error means, by its SQLSTATE or SQLite's code, never by its text."""
    where = describe(url)
    if isinstance(error, sqlite3.Error):
        return _sqlite_error(error, url)
    return _postgresql_error(getattr(error, "sqlstate", None), _words(error, url), where)


def takes_no_writes(error: StoreError) -> bool:
    """Tell whether a write was refused by a PostgreSQL, or a session of it, that can only be read."""
    return getattr(_driver_error(error), "sqlstate", None) == READ_ONLY


def is_passing(error: StoreError) -> bool:
    """Tell, by its SQLSTATE, whether what PostgreSQL raised may be gone on a new connection in a moment.

    A lost connection has none, and neither has an answer that broke off in the middle. SQLite waits for its lock by
    itself, and nothing else of it passes.
    """
    driver_error = _driver_error(error)
    if isinstance(driver_error, sqlite3.Error):
        return False
    if isinstance(driver_error, OSError):
        return True
    state = getattr(driver_error, "sqlstate", None)
    if state is None:
        kinds = [kind.__name__ for kind in type(driver_error).__mro__]
        return kinds[0] == "DatabaseError" or not _OF_THE_CONNECTION.isdisjoint(kinds)
    return state in _PASSING or state[:2] in ("08", "53")


def _driver_error(error: StoreError) -> Any:
    return getattr(error.__cause__, "orig", error.__cause__)


def _is_driver_error(error: Exception) -> bool:
    return isinstance(error, sqlite3.Error) or type(error).__module__.partition(".")[0] == "psycopg"


def _sqlite_error(error: sqlite3.Error, url: URL) -> StoreError:
    where = describe(url)
    code = getattr(error, "sqlite_errorcode", None)
    known = None if code is None else _BY_CODE.get(code) or _BY_CODE.get(code & 0xFF)
    if known is None:
        return StoreUnavailable(f"{where}: {error}")
    kind, meaning = known
    unopened = _unopened(str(url.database)) if "{unopened}" in meaning else ""
    return kind(meaning.format(where=where, busy_seconds=timeouts.BUSY_SECONDS, unopened=unopened))


def _unopened(path: str) -> str:
    """Say what keeps SQLite from a file, as far as this user may see it, and what to do."""
    if os.path.isdir(path):  # noqa: PTH112  # a Path raises where the folder may not be looked into
        return "it is a folder; name a file in it"
    if not os.path.exists(path):  # noqa: PTH110  # as above
        return "check that the folder exists and may be written"
    if not os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
        return "this user may not read it; let this user read and write it, or check the name"
    return "check that its folder and the files beside it may be written, and how many files this process has open"


def _postgresql_error(state: str | None, words: str, where: str) -> StoreError:
    state = state or next((state for refusal, state in _REFUSALS if re.search(refusal, words)), "08000")
    known = _BY_STATE.get(state) or _BY_STATE.get(state[:2])
    if known is None:
        return StoreError(f"{where} refused a statement ({state}): {words}")
    kind, meaning = known
    return kind(f"{where}: {meaning}" + (f" ({words})" if kind in (StoreUnavailable, StoreFull) else ""))


def _words(error: BaseException, url: URL) -> str:
    """Give the first line of what a driver says, without the password."""
    line = (str(error).splitlines() or [type(error).__name__])[0][:300]
    return line.replace(str(url.password), "***") if url.password else line
