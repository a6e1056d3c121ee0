"""The container files, read: there is no container engine here to run them."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
INSTRUCTIONS = [tuple(line.split(maxsplit=1)) for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
SENT = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
SECRET = re.compile("password|secret|token|key", re.IGNORECASE)


def instructions(name):
    return [rest for word, rest in INSTRUCTIONS if word == name]


def test_compose_waits_for_a_healthy_postgresql_before_it_migrates():
    database, migration = SERVICES["postgres"], SERVICES["migrate"]

    assert database["image"].startswith("postgres:")
    assert "pg_isready" in database["healthcheck"]["test"][1]
    assert migration["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert migration["build"] == "."


def test_compose_migrates_by_the_command_that_people_type():
    migration = SERVICES["migrate"]

    assert [*image_entrypoint(), *migration["command"]] == ["spine", "db", "upgrade"]
    assert migration["environment"]["SPINE_DATABASE_URL"] == "postgresql://spine@postgres/spine"


def test_the_database_is_reachable_from_this_machine_only():
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["postgres"]["ports"])


def test_passwords_come_from_the_environment_and_are_written_nowhere():
    given = {name: value for service in SERVICES.values() for name, value in service["environment"].items()}
    secrets = {value for name, value in given.items() if SECRET.search(name)}

    assert secrets == {"${POSTGRES_PASSWORD:?choose one}"}
    assert not any(re.search(r"://[^@/]*:", value) for value in given.values())
    assert not any(SECRET.search(rest) for rest in instructions("ENV") + instructions("ARG"))


def test_the_image_runs_as_a_user_without_rights():
    assert instructions("USER") == ["spine"]
    assert "useradd" in DOCKERFILE
    assert DOCKERFILE.index("USER spine") < DOCKERFILE.index("ENTRYPOINT")


def test_the_image_is_built_from_files_that_exist_and_are_sent_to_the_engine():
    copied = {source.rstrip("/").removeprefix("./") for rest in instructions("COPY") for source in rest.split()[:-1]}

    assert copied == SENT
    assert all((ROOT / source).exists() for source in copied)
    assert "**/__pycache__" in (ROOT / ".dockerignore").read_text()


def image_entrypoint():
    [entrypoint] = instructions("ENTRYPOINT")
    return yaml.safe_load(entrypoint)
