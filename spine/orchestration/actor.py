"""Who does something to a run: this process, named for people."""

import os

from spine.records.event import Actor
from spine.records.names import check_reason
from spine.steps.result import clipped


def actor(reason: str | None) -> Actor:
    """Give this process as the actor of what it does, and why; raise `InvalidName` for a reason that is none."""
    return Actor(name=holder(), reason=check_reason(reason))


def holder() -> str:
    """Name this process for people: who, where, which process."""
    try:
        import getpass  # noqa: PLC0415  # a drive pays for it, an import does not

        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container's user may have no name; Windows has no numbers for them
        user = str(os.getuid()) if hasattr(os, "getuid") else "unknown"
    host = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "unknown")
    return clipped(f"{user}@{host}/{os.getpid()}")[:200]
