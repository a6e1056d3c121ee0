"""`Hook`: an object that is told what happened and cannot change it."""

from typing import Protocol

from spine.records.event import Event


class Hook(Protocol):
    """Listens to the events of the runs that one runner drives.

    One that also has a method `wants(kind)` is asked when a drive begins, and told only of the kinds for which it is
    true.
    """

    def on_event(self, event: Event) -> None:
        """Be told; called in the driving thread, so be quick. What it raises is logged and changes nothing."""
