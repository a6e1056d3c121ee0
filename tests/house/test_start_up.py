"""Imports are start-up time: what is costly is loaded where it is chosen."""

import subprocess
import sys

import pytest

COSTLY = ("sqlalchemy", "psycopg", "alembic", "rich", "typer", "pydantic", "pydantic_settings", "pytest")


def loaded(program):
    """The costly packages that a program of its own has loaded at its end."""
    asked = f"{program}\nimport sys\nprint(*[name for name in {COSTLY!r} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=60)
    return set(answer.stdout.split())


def test_the_library_is_imported_without_anything_costly():
    assert loaded("import spine.orchestration") == set()


def test_the_library_loads_no_slow_module_of_python_that_it_can_do_without():
    program = """
import sys
before = set(sys.modules)
import spine.orchestration
print(*{"difflib", "pathlib"} & (set(sys.modules) - before))
"""

    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert answer.stdout.split() == []


def test_whoever_uses_one_store_does_not_load_the_others():
    assert loaded("from spine.stores.open import open_store; open_store('memory://')") == set()
    assert loaded("from spine.stores.open import open_store; open_store('sqlite:///x.db')") == {"sqlalchemy"}


def test_who_names_the_database_alone_pays_for_no_other_setting(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # away from our own pyproject.toml
    monkeypatch.setenv("SPINE_DATABASE_URL", "sqlite:///x.db")

    assert loaded("from spine.config.settings import load_settings; load_settings()") == set()


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]])
def test_the_command_line_shows_its_help_without_a_database_driver(arguments):
    told = loaded(f"from spine.cli.main import main; main({arguments!r})")

    assert told.isdisjoint({"sqlalchemy", "psycopg", "alembic", "pydantic_settings"})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("pass", "False True False"),
        ("gc.disable()", "False False False"),
        ("gc.freeze()", "True True True"),
    ],
    ids=["as it is", "turned off by somebody", "with objects that somebody froze"],
)
def test_the_garbage_collector_does_not_look_through_imports_and_is_afterwards_as_it_was(before, after):
    program = f"""
import gc
from spine.stores.open import open_store
{before}
looks = []
gc.callbacks.append(lambda when, _: looks.append(when))
open_store('sqlite:///x.db')
print(len(looks) > 0, gc.isenabled(), gc.get_freeze_count() > 1000)
"""

    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert answer.stdout.strip() == after
