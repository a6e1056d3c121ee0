"""Tells hooks what happened, one after another."""

import logging
import os
from collections.abc import Mapping, Sequence

from spine import log
from spine.errors import class_name
from spine.hooks.hook import Hook
from spine.records.event import Event, EventKind

Audience = Mapping[EventKind, Sequence[Hook]]


def audience_of(hooks: Sequence[Hook]) -> Audience:
    """Ask the hooks what they want to hear of, and give who listens to each kind of event."""
    return {kind: _listening(hooks, kind) for kind in EventKind}


def _listening(hooks: Sequence[Hook], kind: EventKind) -> Sequence[Hook]:
    listeners = []
    for hook in hooks:
        try:
            wants = getattr(hook, "wants", None)
            if wants is None or wants(kind):
                listeners.append(hook)
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001  # one that is not fit to be asked is told of everything
            listeners.append(hook)
            _log_failure(hook, kind)
    return listeners


def dispatch(hooks: Sequence[Hook], event: Event) -> None:
    """Tell each hook; one that raises does not keep the others from hearing.

    In a child process that a hook forked no other hook is told: it leaves with what it raised, and the drive ends it.
    """
    process = os.getpid() if hooks else None
    for hook in hooks:
        try:
            hook.on_event(event)
        except KeyboardInterrupt:
            raise
        except BaseException:  # a listener may do anything, and the run goes on
            if os.getpid() != process:
                raise
            _log_failure(hook, event.kind, event.run_id)
        if os.getpid() != process:
            return


def _log_failure(hook: Hook, kind: EventKind, run_id: str | None = None) -> None:
    told = class_name(type(hook)), kind, run_id
    log.tell(logging.ERROR, "hook.failed hook=%s event=%s run_id=%s", *told, exc_info=True)
