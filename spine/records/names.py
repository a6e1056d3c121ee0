"""What a run id and a name may look like."""

import shlex
from typing import Any

from spine.codec.tags import is_plain_text
from spine.errors import InvalidName, type_of

LONGEST_RUN_ID = 36
LONGEST_NAME = 100
LONGEST_REASON = 1000


def check_run_id(run_id: Any) -> str:
    """Give back a run id of 1 to 36 printable characters; raise `InvalidName` for any other."""
    return _check(run_id, "a run id", LONGEST_RUN_ID)


def typed(run_id: str, *options: str) -> str:
    """Spell a run id and options as they are typed after a command; an id that looks like an option comes after all."""
    return shlex.join([*options, "--", run_id] if run_id.startswith("-") else [run_id, *options])


def check_name(name: Any, what: str) -> str:
    """Give back a name of 1 to 100 printable characters; raise `InvalidName`, saying `what` it should name."""
    return _check(name, what, LONGEST_NAME)


def check_reason(reason: Any) -> str | None:
    """Give back a reason of up to 1,000 characters, or None; raise `InvalidName` for what is no text."""
    if reason is None:
        return None
    if type(reason) is not str or len(reason) > LONGEST_REASON or not is_plain_text(reason):
        raise InvalidName(f"a reason must be text of at most {LONGEST_REASON:,} characters, without NUL characters")
    return reason


def _check(name: Any, what: str, longest: int) -> str:
    if type(name) is not str:
        raise InvalidName(f"{what} must be text, not {type_of(name)}")
    if not 1 <= len(name) <= longest:
        shown = name if len(name) <= longest else f"{name[: longest - 3]}..."
        raise InvalidName(f"{what} must have 1 to {longest} characters, not {len(name)}: {shown!r}")
    if name != name.strip() or not name.isprintable():
        raise InvalidName(f"{what} must be printable text with no space at either end: {name!r}")
    return name
