"""What a list of runs may be asked for, checked before any database is."""

import logging
from datetime import UTC, datetime
from typing import Any

from spine import log
from spine.errors import InvalidSetting, type_of
from spine.records.names import check_name
from spine.records.run import CRASHED, RunList, RunStatus
from spine.stores.protocol import RunFilter, Runs

LONGEST_LIST = 1_000_000


def listed(store: Runs, wanted: RunFilter) -> RunList:
    """Give the runs that fit; those that are damaged are told in the log too, so that nobody overlooks them."""
    found = store.list_runs(wanted)
    for run in found.damaged:
        log.tell(
            logging.WARNING, "run.damaged run_id=%s workflow=%s error=%r", run.run_id, run.workflow_name, str(run.error)
        )
    return found


def run_filter(*, status: Any, workflow: Any, since: Any, limit: Any) -> RunFilter:
    """Make the filter of a list; raise `InvalidSetting` or `InvalidName` for what means nothing."""
    if type(limit) is not int or not 1 <= limit <= LONGEST_LIST:
        raise InvalidSetting(f"limit must be a whole number from 1 to {LONGEST_LIST:,}, not {limit!r}")
    return RunFilter(
        status=None if status is None or status == CRASHED else _parse_status(status),
        crashed=status == CRASHED,
        workflow=None if workflow is None else check_name(workflow, "a workflow's name"),
        since=None if since is None else _parse_since(since),
        limit=limit,
    )


def _parse_status(status: Any) -> RunStatus:
    try:
        return RunStatus(status)
    except ValueError:
        known = ", ".join((*RunStatus, CRASHED))
        raise InvalidSetting(f"no status {status!r}; there are: {known}") from None


def _parse_since(since: Any) -> datetime:
    if not isinstance(since, datetime):
        raise InvalidSetting(f"since must be a datetime, not {type_of(since)}")
    if since.tzinfo is None:
        return since.replace(tzinfo=UTC)
    try:
        return since.astimezone(UTC)
    except OverflowError:
        raise InvalidSetting(f"since is too far from today: {since}") from None
