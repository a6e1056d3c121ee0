"""`Settings`: what may be told from outside, most of it under the name of the runner's option."""

import os
from dataclasses import dataclass
from typing import Any

from spine.errors import InvalidSetting, alike

PREFIX = "SPINE_"
FILE = "pyproject.toml"
A_SLIP = 0.8  # so alike are names of which one is a slip in the other; SPINE_DATABASE_PASSWORD is none
_TEXTS = {"SPINE_DATABASE_URL": "database_url", "SPINE_APP": "app"}


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
    texts = _texts(told)
    if texts is not None:
        return Settings(**texts)
    from spine.config.sources import read  # noqa: PLC0415  # pydantic-settings is slow to import

    return read(told)


def places(name: str) -> str:
    """Name the places outside where a setting may be told."""
    return f"{PREFIX}{name.upper()}, or {name} under [tool.spine]"


def slips() -> list[tuple[str, str]]:
    """Give each `SPINE_` variable that looks like a misspelt setting, with that setting; others may be anybody's."""
    known = {name.upper() for name in Settings.__slots__}
    ours = {name: name.upper().removeprefix(PREFIX) for name in os.environ if name.upper().startswith(PREFIX)}
    unknown = sorted((name, rest) for name, rest in ours.items() if rest not in known)
    return [
        (name, f"{PREFIX}{meant}")
        for name, rest in unknown
        for meant in alike(rest, known, most=1, least=A_SLIP)
        if not rest.startswith(f"{meant}_")  # SPINE_DATABASE_URL_OLD says what it is
    ]


def _texts(told: dict[str, Any]) -> dict[str, Any] | None:
    """Give all that is told, if it is nothing but the settings for which any text will do; else it is to be judged."""
    here = {name: value for name, value in os.environ.items() if name.upper().startswith(PREFIX)}
    if here.keys() <= _TEXTS.keys() and told.keys() <= set(_TEXTS.values()) and not _may_file_tell():
        texts = {**{_TEXTS[name]: value for name, value in here.items()}, **told}
        if all(isinstance(value, str) for value in texts.values()):
            return texts
    return None


def _may_file_tell() -> bool:
    """Look for anything in the file that could be meant for Spine, without judging it."""
    try:
        with open(FILE, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  # pathlib is slow to import
            return "spine" in file.read()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise InvalidSetting(f"{FILE} cannot be read: {error}") from error
