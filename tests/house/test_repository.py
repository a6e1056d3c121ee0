"""What is kept in the repository says nothing of the machine it was written on, and pins what it needs."""

import re
import tomllib

from tests.house.tree import ROOT, tracked

# Spelled so that this file does not hold them itself.
ELSEWHERE = [
    re.compile(pattern)
    for pattern in (
        r"(?<![\w.])/(?:roo)t/",
        r"(?<![\w.{}])/(?:wor)k/",
        r"pypi\.org/(?:simpl)e",
        r"files\.(?:python)hosted\.org",
    )
]
REQUIREMENTS = ROOT / "requirements-dev.txt"


def test_no_file_names_a_path_of_this_machine_or_a_registry():
    found = []
    for path in tracked():
        text = (ROOT / path).read_text(encoding="utf-8", errors="ignore")
        found += [f"{path}: {match[0]}" for pattern in ELSEWHERE if (match := pattern.search(text))]

    assert found == []


def test_each_requirement_is_pinned_with_its_hashes_and_no_address():
    text = REQUIREMENTS.read_text()
    entries = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).strip())

    assert len(entries) > 20
    for entry in entries:
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==[\w.!+-]+", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry
    assert "://" not in text


def test_each_package_that_the_project_names_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    pinned = set(re.findall(r"^([\w.-]+)(?:\[.*\])?==", REQUIREMENTS.read_text(), re.MULTILINE))

    missing = {_plain(name) for name in wanted} - {_plain(name) for name in pinned}

    assert missing == set()


def _plain(requirement):
    return re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-")


def test_the_wheel_carries_the_migrations_and_the_types():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"] == {"migrations": "spine/migrations"}
    assert (ROOT / "spine" / "py.typed").exists()
    assert project["project"]["scripts"] == {"spine": "spine.__main__:main"}
