"""`Hook`: an object that is told what happened and cannot change it."""

from collections.abc import Iterable
from typing import Protocol

from spine.errors import InvalidSetting, class_name, type_of
from spine.records.event import Event


class Hook(Protocol):
    """Listens to the events of the runs that one runner drives.

    One that also has a method `wants(kind)` is asked when a drive begins, and told only of the kinds for which it is
    true.
    """

    def on_event(self, event: Event) -> None:
        """Be told; called in the driving thread, so be quick. What it raises is logged and changes nothing."""


def require_hooks(hooks: Iterable[Hook]) -> tuple[Hook, ...]:
    """Give the hooks; raise `InvalidSetting` for one that cannot be told anything, such as a plain function."""
    if not isinstance(hooks, Iterable):
        raise InvalidSetting(f"hooks must be a list of hooks, not {type_of(hooks)}")
    listed = tuple(hooks)
    for hook in listed:
        if isinstance(hook, type) or not callable(getattr(hook, "on_event", None)):
            what = f"the class {class_name(hook)}" if isinstance(hook, type) else type_of(hook)
            raise InvalidSetting(f"a hook is an object with a method on_event(event), not {what}")
    return listed
