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


def test_whoever_uses_one_store_does_not_load_the_others():
    assert loaded("from spine.stores.open import open_store; open_store('memory://')") == set()
    assert loaded("from spine.stores.open import open_store; open_store('sqlite:///x.db')") == {"sqlalchemy"}


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]])
def test_the_command_line_shows_its_help_without_a_database_driver(arguments):
    told = loaded(f"from spine.cli.main import main; main({arguments!r})")

    assert told.isdisjoint({"sqlalchemy", "psycopg", "alembic", "pydantic_settings"})
