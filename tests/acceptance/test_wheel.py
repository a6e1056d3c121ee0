"""The wheel alone, without the checkout, is all of Spine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOW = """
from pathlib import Path
from spine.orchestration import Step, Workflow

def load(ctx, config):
    if not ctx.params.get("fixed"):
        raise RuntimeError("the target is down")
    return {"rows": ctx.outputs["read"]["rows"]}

nightly = Workflow("nightly", [Step.lambda_("read", lambda ctx, config: {"rows": 3}), Step.lambda_("load", load)])
"""


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the installed wheel and nothing else."""
    built, site = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-index"]
    subprocess.run([*pip, "wheel", *offline, "--no-build-isolation", "-w", built, ROOT], check=True)
    [wheel] = built.glob("spine_orchestrator-*.whl")
    subprocess.run([*pip, "install", *offline, "--target", site, wheel], check=True)
    return site


def spine(installed: Path, folder: Path, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(installed), "SPINE_DATABASE_URL": url}
    return subprocess.run(
        [sys.executable, "-m", "spine", *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_the_wheel_holds_the_migrations_and_the_type_marker(installed: Path):
    assert (installed / "spine" / "migrations" / "env.py").is_file()
    assert list((installed / "spine" / "migrations" / "versions").glob("0001_*.py"))
    assert (installed / "spine" / "py.typed").is_file()


def test_the_installed_wheel_migrates_runs_and_resumes(installed: Path, tmp_path: Path, empty_postgres_url: str):
    (tmp_path / "nightly.py").write_text(WORKFLOW)

    upgraded = spine(installed, tmp_path, empty_postgres_url, "db", "upgrade")
    failed = spine(installed, tmp_path, empty_postgres_url, "run", "nightly.py", "--run-id", "night-1")
    resumed = spine(
        installed, tmp_path, empty_postgres_url, "resume", "night-1", "--app", "nightly.py", "--param", "fixed=true"
    )

    assert upgraded.returncode == 0, upgraded.stderr
    assert failed.returncode == 1, failed.stderr
    assert "spine resume night-1" in failed.stdout + failed.stderr
    assert resumed.returncode == 0, resumed.stderr


def test_the_process_under_test_runs_the_wheel_and_not_the_checkout(installed: Path, tmp_path: Path):
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    found = subprocess.run(
        [sys.executable, "-c", "import spine; print(spine.__file__)"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert Path(found.stdout.strip()).is_relative_to(installed)
