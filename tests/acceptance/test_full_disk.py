"""PostgreSQL whose disk is full: told as that, tried again as a lost one is, and resumed when there is room."""

import logging
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from spine.orchestration import RunStatus, Step, Workflow, WorkflowRunner
from tests.servers.postgres import PostgresServer

LARGE = Random(7).randbytes(60_000).hex()  # which is not stored in much less


class SmallDisk:
    """A disk of a megabyte, which a file fills."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._filling = place / "filling"

    def fill(self) -> None:
        with self._filling.open("wb", buffering=0) as file:
            while True:
                try:
                    file.write(bytes(4096))
                except OSError:
                    return

    def empty(self) -> None:
        self._filling.unlink(missing_ok=True)


@pytest.fixture
def disk(own_postgres: PostgresServer, own_postgres_url: str) -> Iterator[SmallDisk]:
    """The disk that holds the table of checkpoints, and nothing else."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts a disk")
    place = own_postgres.folder / "small disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    try:
        (place / "tables").mkdir()
        own_postgres.account.own(place)
        with own_postgres.connect(own_postgres_url.rpartition("/")[2]) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{place}/tables'")
            connection.execute("ALTER TABLE core_workflow_checkpoints SET TABLESPACE small")
        yield SmallDisk(place)
    finally:
        own_postgres.stop("immediate")
        subprocess.run(["umount", place], check=True)


def workflow_with(between: Callable[[], None]) -> tuple[Workflow, list[str]]:
    ran: list[str] = []

    def step(name: str, act: Callable[[], None], output: str) -> Step:
        def perform(ctx, config):
            ran.append(name)
            act()
            return {"text": output}

        return Step.lambda_(name, perform)

    steps = [
        step("first", lambda: None, "small"),
        step("large", between, LARGE),
        step("last", lambda: None, "small"),
    ]
    return Workflow("filling", steps), ran


def test_a_full_disk_is_told_as_one_and_the_run_resumes_when_there_is_room(
    disk: SmallDisk, own_postgres_url: str, caplog: pytest.LogCaptureFixture
):
    filling = [disk.fill]
    workflow, ran = workflow_with(lambda: filling.pop()() if filling else None)

    with WorkflowRunner(own_postgres_url, reconnect_seconds=0.3) as runner:
        failed = runner.execute(workflow, run_id="full")
        disk.empty()
        resumed = runner.resume("full")

    assert (failed.status, failed.error_step, failed.error_type) == (RunStatus.FAILED, "large", "StoreFull")
    assert failed.error_category == "transient"
    assert "has no space left on its disk; free some and try again (could not extend file" in failed.error
    assert failed.error.endswith("No space left on device); gave up trying again after 0.3 s")
    assert "store.full" in caplog.text
    assert "store.lost" not in caplog.text
    assert resumed.status is RunStatus.COMPLETED
    assert ran == ["first", "large", "large", "last"]


def test_a_disk_that_has_room_again_in_time_costs_no_step(disk: SmallDisk, own_postgres_url: str):
    workflow, ran = workflow_with(disk.fill)

    class Freeing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().startswith("store.full"):
                disk.empty()

    freeing = Freeing(logging.WARNING)
    logging.getLogger("spine").addHandler(freeing)
    try:
        with WorkflowRunner(own_postgres_url) as runner:
            result = runner.execute(workflow)
    finally:
        logging.getLogger("spine").removeHandler(freeing)

    assert result.status is RunStatus.COMPLETED
    assert ran == ["first", "large", "last"]
