"""`Settings`: what may be told from outside; each has the name of the runner's option."""

import os
from dataclasses import dataclass
from typing import Any

from spine.errors import InvalidSetting

PREFIX = "SPINE_"
FILE = "pyproject.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What holds unless somebody says otherwise, in the environment or in `[tool.spine]` of pyproject.toml."""

    database_url: str = "sqlite:///spine.db"
    app: str | None = None
    checkpoint_strategy: str | None = None
    checkpoint_retention_days: float | None = None
    lease_seconds: float = 60.0
    reconnect_seconds: float = 30.0
    max_snapshot_bytes: int = 16 * 1024 * 1024
    max_depth: int = 100


def load_settings(**given: Any) -> Settings:
    """Read the settings; what is given here and is not None wins. Raise `InvalidSetting`, naming each bad one."""
    told = {name: value for name, value in given.items() if value is not None}
    if not told and not _is_anything_told():
        return Settings()
    from spine.config.sources import read  # noqa: PLC0415  # pydantic-settings is slow to import

    return read(told)


def _is_anything_told() -> bool:
    """Look for anything that could be meant for Spine, without judging it."""
    if any(name.upper().startswith(PREFIX) for name in os.environ):
        return True
    try:
        with open(FILE, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  # pathlib is slow to import
            return "spine" in file.read()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise InvalidSetting(f"{FILE} cannot be read: {error}") from error
