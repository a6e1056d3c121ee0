"""Retention: which runs lose their checkpoints, and when."""

from dataclasses import dataclass
from typing import Any

from spine.errors import InvalidSetting, type_of
from spine.records.event import NOBODY, Actor
from spine.stores.protocol import PurgeOrder, Store

LONGEST_DAYS = 36_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged:
    """What a purge took, or with `dry_run` would take: run ids, and how many checkpoints went."""

    runs: tuple[str, ...]
    checkpoints: int
    dry_run: bool = False


def parse_days(days: Any, *, what: str = "days") -> float:
    """Read a number of days above 0 and up to 36,500; raise `InvalidSetting` for anything else."""
    if isinstance(days, bool) or not isinstance(days, (int, float)):
        raise InvalidSetting(f"{what} must be a number of days, not {type_of(days)}")
    if not 0 < days <= LONGEST_DAYS:  # neither is NaN
        raise InvalidSetting(f"{what} must be above 0 and at most {LONGEST_DAYS:,} days")
    return float(days)


def order_for(days: Any, failed_days: Any = None, workflows: frozenset[str] | None = None) -> PurgeOrder:
    """Make the order of a purge; failed and cancelled runs stay as long as completed ones unless told otherwise."""
    window = parse_days(days)
    failed = window if failed_days is None else parse_days(failed_days, what="failed_days")
    return PurgeOrder(days=window, failed_days=failed, workflows=workflows)


def purge(store: Store, order: PurgeOrder, *, most_batches: int | None = None, by: Actor = NOBODY) -> Purged:
    """Take what has expired, batch by batch, each a short transaction; killed in between, the next one goes on."""
    runs: list[str] = []
    checkpoints = batches = 0
    while most_batches is None or batches < most_batches:
        batch = store.purge_runs(order, by=by)
        runs += batch.runs
        checkpoints += batch.checkpoints
        batches += 1
        if not batch.runs and not batch.checkpoints:
            break
    return Purged(runs=tuple(runs), checkpoints=checkpoints)
