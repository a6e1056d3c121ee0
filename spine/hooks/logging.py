"""`LoggingHook`: each event is one line of the log `spine`."""

import logging
import re

from spine.records.event import Event, EventKind

_log = logging.getLogger("spine")
_log.addHandler(logging.NullHandler())  # a library is heard when the program wants to hear it
_ODD = re.compile(r"[\s='\"\\]")
_LEVELS = {
    EventKind.RUN_FAILED: logging.ERROR,
    EventKind.STEP_FAILED: logging.WARNING,
    EventKind.RUN_CANCELLED: logging.WARNING,
    EventKind.STEP_STARTED: logging.DEBUG,
    EventKind.STEP_COMPLETED: logging.DEBUG,
    EventKind.CHECKPOINT_SAVED: logging.DEBUG,
}


class LoggingHook:
    """Writes `step.failed run_id=... step=...`.

    Runs and skipped steps are at INFO, other steps and checkpoints at DEBUG; a failed step and a cancelled run are a
    WARNING, a failed run an ERROR.
    """

    def wants(self, kind: EventKind) -> bool:
        """Tell whether the log would take a line of this event, or its traceback."""
        return _log.isEnabledFor(_LEVELS.get(kind, logging.INFO))

    def on_event(self, event: Event) -> None:
        """See `Hook`."""
        level = _LEVELS.get(event.kind, logging.INFO)
        if _log.isEnabledFor(level):
            _log.log(level, "%s", line(event), extra=_names(event))
        if event.traceback:
            told = (_word(event.run_id), _word(event.step), event.traceback)
            _log.debug("step.traceback run_id=%s step=%s\n%s", *told, extra=_names(event))


def _names(event: Event) -> dict[str, str | None]:
    """Give what a formatter of structured lines finds as fields of a record, by names that no program gives its own."""
    return {"spine_run_id": event.run_id, "spine_workflow": event.workflow_name, "spine_step": event.step}


def _word(name: str | None) -> str | None:
    """Quote a name that would look like more than one word, or like another field."""
    return repr(name) if name is not None and _ODD.search(name) else name


def line(event: Event) -> str:
    """Spell an event as a name and fields, on one line."""
    known = {
        "run_id": _word(event.run_id),
        "workflow": _word(event.workflow_name),
        "step": _word(event.step),
        "duration": None if event.duration is None else f"{event.duration:.3f}s",
        **{name: _word(value) if isinstance(value, str) else value for name, value in event.fields.items()},
        **({"reason": repr(event.fields["reason"])} if "reason" in event.fields else {}),
        "error_type": event.error_type,
        "error": None if event.error is None else repr(event.error),
    }
    return " ".join([event.kind.value, *(f"{name}={value}" for name, value in known.items() if value is not None)])
