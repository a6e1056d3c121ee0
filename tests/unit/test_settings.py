"""What may be told from outside, and which of it wins."""

from pathlib import Path

import pytest

from spine.config.settings import load_settings, slips
from spine.errors import InvalidSetting
from spine.orchestration.options import Options
from spine.orchestration.runner import WorkflowRunner

OPTIONS = ("database_url", "checkpoint_strategy", "checkpoint_retention_days", "lease_seconds")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import os

    for name in [name for name in os.environ if name.startswith("SPINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def options(**given) -> Options:
    names = (*OPTIONS, "reconnect_seconds", "max_snapshot_bytes", "max_depth")
    return Options.of(**(dict.fromkeys(names) | given))


def test_without_anything_there_are_defaults():
    made = options()

    assert made.database_url == "sqlite:///spine.db"
    assert (made.checkpoint_strategy, made.checkpoint_retention_days, made.lease_seconds) == (None, None, 60.0)
    assert (made.limits.max_depth, made.limits.max_bytes) == (100, 16_777_216)


def test_an_argument_beats_the_environment_which_beats_the_file(folder, monkeypatch):
    (folder / "pyproject.toml").write_text("[tool.spine]\nlease_seconds = 10\nmax_depth = 10\ndatabase_url = 'a'\n")
    monkeypatch.setenv("SPINE_LEASE_SECONDS", "20")
    monkeypatch.setenv("SPINE_MAX_DEPTH", "20")

    made = options(lease_seconds=30)

    assert (made.lease_seconds, made.limits.max_depth, made.database_url) == (30, 20, "a")


@pytest.mark.parametrize(
    ("environment", "given"),
    [
        ({"SPINE_DATABASE_URL": "sqlite:///a.db"}, {}),
        ({"SPINE_DATABASE_URL": "sqlite:///a.db", "SPINE_APP": "jobs,other.py"}, {}),
        ({"SPINE_DATABASE_URL": "sqlite:///a.db"}, {"database_url": "memory://", "app": None}),
        ({"SPINE_DATABASE_URL": "", "SPINE_APP": " "}, {}),
        ({"Spine_App": "jobs"}, {}),
        ({"SPINE_DATABASE_URL": "a", "spine_database_url": "b"}, {}),
        ({"SPINE_APP": "jobs", "SPINE_OF_SOMEBODY_ELSE": "1"}, {}),
        ({"SPINE_APP": "\udcff.py"}, {}),
        ({"SPINE_APP": "jobs"}, {"lease_seconds": 7}),
        ({}, {"database_url": "memory://"}),
    ],
)
def test_texts_alone_are_taken_as_they_are_where_others_are_judged(environment, given, monkeypatch):
    from spine.config.sources import read

    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert load_settings(**given) == read({name: value for name, value in given.items() if value is not None})


def test_every_option_has_a_variable_of_the_same_name(monkeypatch):
    told = {
        "SPINE_DATABASE_URL": "memory://",
        "SPINE_CHECKPOINT_STRATEGY": "key_steps",
        "SPINE_CHECKPOINT_RETENTION_DAYS": "7.5",
        "SPINE_LEASE_SECONDS": "5",
        "SPINE_RECONNECT_SECONDS": "0",
        "SPINE_MAX_SNAPSHOT_BYTES": "2048",
        "SPINE_MAX_DEPTH": "5",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)

    made = options()

    assert (made.database_url, made.checkpoint_strategy) == ("memory://", "key_steps")
    assert (made.checkpoint_retention_days, made.lease_seconds) == (7.5, 5)
    assert made.reconnect_seconds == 0
    assert (made.limits.max_bytes, made.limits.max_depth) == (2048, 5)


@pytest.mark.parametrize(
    ("name", "value"), [("LEASE_SECONDS", "soon"), ("MAX_DEPTH", "1.5"), ("CHECKPOINT_RETENTION_DAYS", "")]
)
def test_a_bad_variable_is_named_with_both_its_names(name, value, monkeypatch):
    monkeypatch.setenv(f"SPINE_{name}", value)

    with pytest.raises(InvalidSetting, match=rf"{name.lower()} \(SPINE_{name}, or {name.lower()} under \[tool.spine\]"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SPINE_DATABSE_URL", "SPINE_DATABASE_URL"),
        ("spine_databse_url", "SPINE_DATABASE_URL"),
        ("SPINE_DATABASE", "SPINE_DATABASE_URL"),
        ("SPINE_APPS", "SPINE_APP"),
        ("SPINE_LEASE_SECS", "SPINE_LEASE_SECONDS"),
        ("SPINE_MAX_DEPHT", "SPINE_MAX_DEPTH"),
    ],
)
def test_a_variable_that_is_nearly_a_setting_is_found_with_the_one_that_may_be_meant(name, meant, monkeypatch):
    monkeypatch.setenv(name, "hunter2")
    monkeypatch.setenv(meant, "x")

    assert slips() == [(name, meant)]


@pytest.mark.parametrize(
    "name",
    [
        "SPINE_DATABASE_URL",
        "spine_app",
        "SPINE_DATABASE_PASSWORD",
        "SPINE_DATABASE_URL_OLD",
        "SPINE_APP_TOKEN",
        "SPINE_",
    ],
)
def test_a_variable_that_is_a_setting_or_unlike_any_is_nobody_s_slip(name, monkeypatch):
    monkeypatch.setenv(name, "hunter2")

    assert slips() == []


def test_the_value_of_a_bad_setting_is_not_repeated(monkeypatch):
    monkeypatch.setenv("SPINE_LEASE_SECONDS", "hunter2")

    with pytest.raises(InvalidSetting) as refused:
        load_settings()

    assert "hunter2" not in str(refused.value)


def test_an_unknown_setting_in_the_file_is_refused(folder):
    (folder / "pyproject.toml").write_text("[tool.spine]\nlease_secs = 10\n")

    with pytest.raises(InvalidSetting, match="lease_secs"):
        load_settings()


@pytest.mark.parametrize("name", ["lease_seconds", "max_depth", "app"])
def test_yes_and_no_are_no_values(name, folder):
    (folder / "pyproject.toml").write_text(f"[tool.spine]\n{name} = true\n")

    with pytest.raises(InvalidSetting, match=rf"{name} .* neither true nor false"):
        load_settings()


@pytest.mark.parametrize("wrong", [3, Path("x.db"), b"sqlite:///x.db"])
def test_a_url_that_is_no_text_is_named_as_what_it_is(wrong):
    with pytest.raises(InvalidSetting, match="the database URL must be text, not a"):
        WorkflowRunner(wrong)


@pytest.mark.parametrize("text", ["[tool.spine\n", "spine = \0", "tool = 5  # spine\n", "[tool]\nspine = 5\n"])
def test_a_file_that_cannot_be_read_is_said(folder, text):
    (folder / "pyproject.toml").write_text(text)

    with pytest.raises(InvalidSetting):
        load_settings()


def test_a_file_of_other_tools_is_no_trouble(folder):
    (folder / "pyproject.toml").write_text("[project]\nname = 'x'\n")

    assert load_settings().lease_seconds == 60


@pytest.mark.parametrize(
    "given",
    [
        {"lease_seconds": 0.4},
        {"lease_seconds": 90_000},
        {"lease_seconds": float("nan")},
        {"lease_seconds": float("inf")},
        {"lease_seconds": -1},
        {"lease_seconds": "60"},
        {"lease_seconds": True},
        {"reconnect_seconds": -1},
        {"reconnect_seconds": float("inf")},
        {"max_depth": 0},
        {"max_depth": 121},
        {"max_depth": 10**400},
        {"max_snapshot_bytes": 100},
        {"max_snapshot_bytes": 2**31},
        {"checkpoint_strategy": "sometimes"},
        {"checkpoint_retention_days": 0},
        {"checkpoint_retention_days": -1},
        {"checkpoint_retention_days": 36_501},
        {"checkpoint_retention_days": float("nan")},
        {"checkpoint_retention_days": float("inf")},
        {"checkpoint_retention_days": 10**400},
        {"checkpoint_retention_days": True},
        {"checkpoint_retention_days": "7"},
    ],
)
def test_an_option_out_of_range_is_refused_by_name(given):
    name = next(iter(given))
    with pytest.raises(InvalidSetting, match=name.replace("checkpoint_strategy", "checkpoint strategy")) as refused:
        options(**given)

    assert "SPINE_" not in str(refused.value)


OUT_OF_RANGE = [
    ("lease_seconds", "0", "lease_seconds must be from 0.5 to 86,400"),
    ("reconnect_seconds", "-1", "reconnect_seconds must be from 0 to 86,400"),
    ("max_depth", "0", "max_depth must be from 1 to 120"),
    ("max_snapshot_bytes", "1", "max_snapshot_bytes must be from 1,024 to"),
    ("checkpoint_strategy", "everystep", "no checkpoint strategy 'everystep'; there are: every_step, key_steps"),
    ("checkpoint_retention_days", "0", "checkpoint_retention_days must be above 0"),
]


@pytest.mark.parametrize(("name", "value", "said"), OUT_OF_RANGE)
@pytest.mark.parametrize("place", ["environment", "file"])
def test_a_setting_out_of_range_is_refused_with_where_it_may_have_been_set(
    name, value, said, place, folder, monkeypatch
):
    if place == "environment":
        monkeypatch.setenv(f"SPINE_{name.upper()}", value)
    else:
        (folder / "pyproject.toml").write_text(f"[tool.spine]\n{name} = '{value}'\n")

    with pytest.raises(InvalidSetting) as refused:
        WorkflowRunner("memory://")

    assert str(refused.value).startswith(said)
    assert str(refused.value).endswith(f" (set by SPINE_{name.upper()}, or {name} under [tool.spine])")


@pytest.mark.parametrize(
    ("url", "said"), [("", "the database URL is empty"), ("mysql://db/etl", "no store for 'mysql'")]
)
def test_a_bad_url_of_the_environment_is_refused_with_where_it_was_set(url, said, monkeypatch):
    monkeypatch.setenv("SPINE_DATABASE_URL", url)

    with pytest.raises(InvalidSetting) as refused:
        WorkflowRunner()

    assert str(refused.value).startswith(said)
    assert str(refused.value).endswith(" (set by SPINE_DATABASE_URL, or database_url under [tool.spine])")
    with pytest.raises(InvalidSetting) as given:
        WorkflowRunner(url)
    assert "set by" not in str(given.value)
