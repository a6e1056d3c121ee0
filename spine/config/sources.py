"""`Sources`: `SPINE_*` variables and `[tool.spine]` of pyproject.toml, read only at the edges."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    PyprojectTomlConfigSettingsSource,
    SettingsConfigDict,
)

from spine.config.settings import FILE, PREFIX, Settings, places
from spine.errors import InvalidSetting

_DEFAULTS = Settings()


class Sources(BaseSettings):
    """The settings as they are read and judged.

    The environment (`SPINE_LEASE_SECONDS=30`) beats `[tool.spine]` in the pyproject.toml of the current folder.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        pyproject_toml_table_header=("tool", "spine"),
        extra="forbid",
        hide_input_in_errors=True,
    )

    database_url: str = Field(_DEFAULTS.database_url, description="where runs are kept")
    app: str | None = Field(None, description="modules or files with workflows, separated by commas")
    checkpoint_strategy: str | None = Field(None, description="every_step or key_steps")
    checkpoint_retention_days: float | None = Field(None, description="purge runs that ended so long ago; unset: never")
    lease_seconds: float = Field(_DEFAULTS.lease_seconds, description="how long a crashed driver keeps its run")
    reconnect_seconds: float = Field(
        _DEFAULTS.reconnect_seconds, description="how long a lost database is tried again during a run"
    )
    max_snapshot_bytes: int = Field(_DEFAULTS.max_snapshot_bytes, description="the largest context that is stored")
    max_depth: int = Field(_DEFAULTS.max_depth, description="the deepest nesting that is stored")

    @field_validator("*", mode="before")
    @classmethod
    def refuse_yes_and_no(cls, value: Any) -> Any:
        """Refuse what pydantic would take for the number 1 or 0; no setting is a matter of yes and no."""
        if isinstance(value, bool):
            raise ValueError("neither true nor false is a value for it")  # noqa: TRY004  # pydantic asks for it
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Name the sources, the strongest first."""
        return init_settings, env_settings, PyprojectTomlConfigSettingsSource(settings_cls)


def read(given: Mapping[str, Any]) -> Settings:
    """Read the settings; what is given wins. Raise `InvalidSetting`, naming each bad one."""
    try:
        return Settings(**Sources(**given).model_dump())
    except ValidationError as error:
        raise InvalidSetting("; ".join(_spelled(problem) for problem in error.errors())) from None
    except AttributeError as error:
        raise InvalidSetting(f"{FILE} cannot be read: [tool.spine] is not a table") from error
    except (ValueError, OSError) as error:  # no TOML, no permission
        raise InvalidSetting(f"{FILE} cannot be read: {error}") from error


def _spelled(problem: Any) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"no setting {name!r} under [tool.spine]; there are: {', '.join(Sources.model_fields)}"
    return f"setting {name} ({places(name)}): {problem['msg']}"
