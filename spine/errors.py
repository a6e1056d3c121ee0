"""Every exception of Spine, one tree.

SpineError
├── InvalidInput             refused before anything ran
│   ├── InvalidWorkflow      a definition that cannot run
│   ├── InvalidParams        params or overrides the workflow refuses
│   ├── InvalidName          a run id or a name that is empty, too long or unprintable
│   ├── InvalidSetting       an option, a setting or a database URL
│   └── NotStorable          a value the database could not give back unchanged
├── NotFound
│   ├── RunNotFound
│   ├── CheckpointNotFound
│   ├── StepNotFound
│   ├── WorkflowNotFound
│   ├── PipelineNotFound
│   └── SecretNotFound
├── Refused                  the run is there and must not be driven
│   ├── RunExists
│   ├── RunAlreadyCompleted
│   ├── RunExpired
│   ├── CheckpointsDeleted
│   ├── DefinitionChanged
│   ├── NotResumable
│   └── NotCrashed           somebody was faster than `recover`
├── RunIsHeld                another process drives the run
├── LeaseLost                another process took the run over
├── RunFailed                what `raise_for_status()` raises
└── StoreError               the database
    ├── StoreUnavailable     cannot be reached, or the connection was lost
    ├── StoreBusy            locked by somebody else for too long
    ├── StoreFull            no space left, or no memory
    ├── StoreWentBack        a backup was restored, or a standby lacked the newest writes
    ├── SchemaMissing
    ├── SchemaOutdated
    ├── SchemaTooNew
    ├── SnapshotCorrupt
    └── SnapshotTooNew
"""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any

_AN = "aeio"  # a UUID, a user


def class_name(kind: type) -> str:
    """Name a class, whatever its metaclass would say."""
    return said_by_class(kind, "__name__")


def said_by_class(kind: type, name: str) -> str:
    """Give the `__name__`, `__qualname__` or `__module__` of a class, whatever its metaclass would say."""
    return str(type.__dict__[name].__get__(kind))


def type_of(value: object) -> str:
    """Name the type of a value with its article, as messages do: `an int`."""
    return with_article(class_name(type(value)))


def with_article(name: str) -> str:
    """Put `a` or `an` before a name."""
    return f"{'an' if name.lower().startswith(tuple(_AN)) else 'a'} {name}"


def alike(name: str, known: Iterable[str], *, most: int, least: float = 0.6) -> list[str]:
    """Give the known names that somebody who gave another one may have meant, the most alike first.

    `least` is how alike they must be, where 1 is the same.
    """
    from difflib import get_close_matches  # noqa: PLC0415  # only a name that is not known pays for it

    return get_close_matches(name, list(known), n=most, cutoff=least)


class SpineError(Exception):
    """Anything Spine refuses or cannot do; the text says what, where and what to do next."""


class InvalidInput(SpineError, ValueError):
    """Something given to Spine was refused before anything ran."""


class InvalidWorkflow(InvalidInput):
    """A workflow or step that cannot run as it was defined."""


class InvalidParams(InvalidInput):
    """Params or overrides that the workflow does not take; the text names each field."""


class InvalidName(InvalidInput):
    """A run id, workflow, step or pipeline name that is empty, too long or holds control characters."""


class InvalidSetting(InvalidInput):
    """An option, a setting or a database URL that means nothing."""


class NotStorable(InvalidInput):
    """A value that could not be given back unchanged by the database.

    `path` is where it lies, such as `outputs.load.rows[3].price`.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.path, self.reason))


class NotFound(SpineError):
    """What was asked for is not there."""


class RunNotFound(NotFound):
    """No run has this id in this database."""


class CheckpointNotFound(NotFound):
    """The run has no such checkpoint."""


class StepNotFound(NotFound):
    """The workflow has no step of this name."""


class WorkflowNotFound(NotFound):
    """No workflow of this name is registered in this process."""


class PipelineNotFound(NotFound):
    """No pipeline of this name is registered in this process."""


class SecretNotFound(NotFound):
    """A secret that a step reads is not where secrets are looked up."""


class Refused(SpineError):
    """The run is there, and driving it now would break a promise."""


class RunExists(Refused):
    """`execute` was given the id of a run that exists; resume it, or name a step to start from."""


class RunAlreadyCompleted(Refused):
    """The run has completed: there is nothing to resume."""


class RunExpired(Refused):
    """The run's checkpoints were removed by retention."""


class CheckpointsDeleted(Refused):
    """The run's checkpoints were deleted by hand."""


class DefinitionChanged(Refused):
    """The steps that are already done are no longer the first steps of the workflow."""


class NotResumable(Refused):
    """The run's status does not allow what was asked."""


class NotCrashed(Refused):
    """A run that was to be recovered is not crashed any more: somebody resumed, cancelled or recovered it first."""


class RunIsHeld(SpineError):
    """Another process drives the run; `holder` says which, `expires_at` until when its lease runs."""

    def __init__(self, message: str, *, holder: str, expires_at: datetime) -> None:
        super().__init__(message)
        self.holder = holder
        self.expires_at = expires_at

    def __reduce__(self) -> tuple[Any, ...]:
        return (partial(type(self), holder=self.holder, expires_at=self.expires_at), self.args)


class LeaseLost(SpineError):
    """The run was taken over by another process; nothing more was written or started by this one."""


class RunFailed(SpineError):
    """A run that did not complete, for those who want an exception; `result` is the `WorkflowResult`."""

    def __init__(self, message: str, *, result: Any) -> None:
        super().__init__(message)
        self.result = result

    def __reduce__(self) -> tuple[Any, ...]:
        return (partial(type(self), result=self.result), self.args)


class StoreError(SpineError):
    """The database did not do what was asked."""


class StoreUnavailable(StoreError):
    """The database cannot be reached, refuses the login, or the connection was lost."""


class StoreBusy(StoreError):
    """The database, or the row, stayed locked by somebody else for longer than the time allowed."""


class StoreFull(StoreError):
    """The database has no space left, or no memory; what was committed before is safe."""


class StoreWentBack(StoreError):
    """The database is as it was before something that this process saved there; nothing more was written."""


class SchemaMissing(StoreError):
    """The database, or the SQLite file, has no tables of Spine; the text names the command that makes them."""


class SchemaOutdated(StoreError):
    """The tables are older than this program; the text names the command that upgrades them."""


class SchemaTooNew(StoreError):
    """The tables are newer than this program; nothing is read or written."""


class SnapshotCorrupt(StoreError):
    """A stored row is damaged or contradicts itself; nothing runs and nothing is deleted."""


class SnapshotTooNew(StoreError):
    """A stored row was written by a newer format than this program knows."""
