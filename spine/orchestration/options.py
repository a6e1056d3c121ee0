"""`Options`: what a runner was told, by its arguments or else by the settings, checked."""

from dataclasses import dataclass
from typing import Any

from spine.codec.limits import Limits
from spine.config.settings import load_settings
from spine.errors import InvalidSetting, type_of
from spine.orchestration.checkpointing import CheckpointStrategy, parse_strategy
from spine.orchestration.registry import Registry
from spine.retention import parse_days

SHORTEST_LEASE = 0.5
LONGEST_LEASE = 86_400.0
DEEPEST = 120  # the JSON encoder's own limit is 254, and a tagged value takes two


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a runner was told, checked."""

    database_url: str
    checkpoint_strategy: CheckpointStrategy | None
    checkpoint_retention_days: float | None
    lease_seconds: float
    reconnect_seconds: float
    limits: Limits

    @classmethod
    def of(cls, **given: Any) -> "Options":
        """Take each option that is not None from here and the others from the settings; raise `InvalidSetting`."""
        settings = load_settings()
        told = {name: getattr(settings, name) if value is None else value for name, value in given.items()}
        days = told["checkpoint_retention_days"]
        return cls(
            database_url=told["database_url"],
            checkpoint_strategy=parse_strategy(told["checkpoint_strategy"]),
            checkpoint_retention_days=None if days is None else parse_days(days, what="checkpoint_retention_days"),
            lease_seconds=_within("lease_seconds", told["lease_seconds"], SHORTEST_LEASE, LONGEST_LEASE),
            reconnect_seconds=_within("reconnect_seconds", told["reconnect_seconds"], 0, LONGEST_LEASE),
            limits=Limits(
                max_depth=_whole("max_depth", told["max_depth"], 1, DEEPEST),
                max_bytes=_whole("max_snapshot_bytes", told["max_snapshot_bytes"], 1024, 2**30),
            ),
        )


def require_usable(registry: Any, secrets: Any, store: Any, database_url: Any) -> None:
    """Raise `InvalidSetting` for objects that a runner cannot use."""
    if store is not None and not hasattr(store, "create_run"):
        raise InvalidSetting(f"store must be a Store, not {type_of(store)}; a URL is given as database_url")
    if None not in (store, database_url):
        raise InvalidSetting("store and database_url are two databases; give one of them")
    if not isinstance(registry, Registry | None):
        raise InvalidSetting(f"registry must be a Registry, not {type_of(registry)}")
    if not callable(secrets):
        raise InvalidSetting(f"secrets must be a function of a secret's name, not {type_of(secrets)}")


def _within(name: str, value: Any, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidSetting(f"{name} must be a number, not {type_of(value)}")
    if not least <= value <= most:  # neither is NaN
        raise InvalidSetting(f"{name} must be from {least:,} to {most:,}")
    return value


def _whole(name: str, value: Any, least: int, most: int) -> int:
    if _within(name, value, least, most) != int(value):
        raise InvalidSetting(f"{name} must be a whole number")
    return int(value)
