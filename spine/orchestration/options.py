"""`Options`: what a runner was told, by its arguments or else by the settings, checked."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from spine.codec.limits import Limits
from spine.config.settings import Settings, load_settings, places
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
        taken = {name: _taken(name, value, settings) for name, value in given.items()}
        limits = Limits(max_depth=taken.pop("max_depth"), max_bytes=taken.pop("max_snapshot_bytes"))
        return cls(**taken, limits=limits)


def require_usable(registry: Any, secrets: Any, store: Any, database_url: Any) -> None:
    """Raise `InvalidSetting` for objects that a runner cannot use."""
    if store is not None and (isinstance(store, type) or not hasattr(store, "create_run")):
        raise InvalidSetting(f"store must be a Store, not {type_of(store)}; a URL is given as database_url")
    if None not in (store, database_url):
        raise InvalidSetting("store and database_url are two databases; give one of them")
    if not isinstance(registry, Registry | None):
        raise InvalidSetting(f"registry must be a Registry, not {type_of(registry)}")
    if not callable(secrets):
        raise InvalidSetting(f"secrets must be a function of a secret's name, not {type_of(secrets)}")


def _taken(name: str, value: Any, settings: Settings) -> Any:
    """Check what was given as an option, else what the settings have, with where they may have it from."""
    if value is not None:
        return _CHECKS[name](value)
    try:
        return _CHECKS[name](getattr(settings, name))
    except InvalidSetting as error:
        raise InvalidSetting(f"{error} (set by {places(name)})") from None


def _url(url: Any) -> Any:
    """Take it as it is: the store judges it."""
    return url


def _days(days: Any) -> float | None:
    return None if days is None else parse_days(days, what="checkpoint_retention_days")


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


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "database_url": _url,
    "checkpoint_strategy": parse_strategy,
    "checkpoint_retention_days": _days,
    "lease_seconds": partial(_within, "lease_seconds", least=SHORTEST_LEASE, most=LONGEST_LEASE),
    "reconnect_seconds": partial(_within, "reconnect_seconds", least=0, most=LONGEST_LEASE),
    "max_depth": partial(_whole, "max_depth", least=1, most=DEEPEST),
    "max_snapshot_bytes": partial(_whole, "max_snapshot_bytes", least=1024, most=2**30),
}
