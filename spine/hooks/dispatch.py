"""Tells hooks what happened, one after another."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress

from spine.errors import class_name
from spine.hooks.hook import Hook
from spine.records.event import Event, EventKind

_log = logging.getLogger("spine")


Audience = Mapping[EventKind, Sequence[Hook]]


def audience_of(hooks: Sequence[Hook]) -> Audience:
    """Ask the hooks what they want to hear of, and give who listens to each kind of event."""
    return {kind: _listening(hooks, kind) for kind in EventKind}


def _listening(hooks: Sequence[Hook], kind: EventKind) -> Sequence[Hook]:
    listeners = []
    for hook in hooks:
        try:
            if hook.wants(kind):  # type: ignore[attr-defined]
                listeners.append(hook)
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001  # it has no such method, or it is not fit to be asked
            listeners.append(hook)
    return listeners


def dispatch(hooks: Sequence[Hook], event: Event) -> None:
    """Tell each hook; one that raises does not keep the others from hearing."""
    for hook in hooks:
        try:
            hook.on_event(event)
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001  # a listener may do anything, and the run goes on
            with suppress(Exception, SystemExit):  # so may whoever keeps the log
                _log.exception(
                    "hook.failed hook=%s event=%s run_id=%s", class_name(type(hook)), event.kind, event.run_id
                )
