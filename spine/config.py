"""`Settings`: `SPINE_*` variables and `[tool.spine]` of pyproject.toml, read only at the edges."""

from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    PyprojectTomlConfigSettingsSource,
    SettingsConfigDict,
)

from spine.errors import InvalidSetting


class Settings(BaseSettings):
    """What may be told from outside; each has the name of the runner's option.

    The environment (`SPINE_LEASE_SECONDS=30`) beats `[tool.spine]` in the pyproject.toml of the current folder.
    """

    model_config = SettingsConfigDict(
        env_prefix="SPINE_",
        pyproject_toml_table_header=("tool", "spine"),
        extra="forbid",
        hide_input_in_errors=True,
    )

    database_url: str = Field("sqlite:///spine.db", description="where runs are kept")
    app: str | None = Field(None, description="modules or files with workflows, separated by commas")
    checkpoint_strategy: str | None = Field(None, description="every_step or key_steps")
    checkpoint_retention_days: float | None = Field(None, description="purge runs that ended so long ago; unset: never")
    lease_seconds: float = Field(60.0, description="how long a crashed driver keeps its run")
    reconnect_seconds: float = Field(30.0, description="how long a lost database is tried again during a run")
    max_snapshot_bytes: int = Field(16 * 1024 * 1024, description="the largest context that is stored")
    max_depth: int = Field(100, description="the deepest nesting that is stored")

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


def load_settings(**given: Any) -> Settings:
    """Read the settings; what is given here and is not None wins. Raise `InvalidSetting`, naming each bad one."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise InvalidSetting("; ".join(_spelled(problem) for problem in error.errors())) from None
    except (ValueError, AttributeError, OSError) as error:  # no TOML, no table, no permission
        raise InvalidSetting(f"pyproject.toml cannot be read: {error}") from error


def _spelled(problem: Any) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"no setting {name!r} under [tool.spine]; there are: {', '.join(Settings.model_fields)}"
    return f"setting {name} (SPINE_{name.upper()}, or {name} under [tool.spine]): {problem['msg']}"
