"""PostgreSQL whose disk is full: told as that, tried again as a lost one is, and resumed when there is room."""

import logging
from collections.abc import Callable

import psycopg
import pytest

from spine.orchestration import RunStatus, Step, Workflow, WorkflowRunner

# What the server says of a full disk, for nobody but root could fill one of its own.
FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON core_workflow_checkpoints EXECUTE FUNCTION full_disk();
"""


class Disk:
    """The disk of a database, which has no room for checkpoints while it is full."""

    def __init__(self, url: str) -> None:
        self._url = url

    def fill(self) -> None:
        self._execute(FULL)

    def empty(self) -> None:
        self._execute("DROP FUNCTION full_disk CASCADE")

    def _execute(self, statements: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(statements)


@pytest.fixture
def disk(postgres_url: str) -> Disk:
    return Disk(postgres_url)


def workflow_with(between: Callable[[], None]) -> tuple[Workflow, list[str]]:
    ran: list[str] = []

    def step(name: str, act: Callable[[], None] = lambda: None) -> Step:
        def perform(ctx, config):
            ran.append(name)
            act()
            return {"by": name}

        return Step.lambda_(name, perform)

    return Workflow("filling", [step("first"), step("large", between), step("last")]), ran


def test_a_full_disk_is_told_as_one_and_the_run_resumes_when_there_is_room(
    disk: Disk, postgres_url: str, caplog: pytest.LogCaptureFixture
):
    filling = [disk.fill]
    workflow, ran = workflow_with(lambda: filling.pop()() if filling else None)

    with WorkflowRunner(postgres_url, reconnect_seconds=0.3) as runner:
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


def test_a_disk_that_has_room_again_in_time_costs_no_step(disk: Disk, postgres_url: str):
    workflow, ran = workflow_with(disk.fill)

    class Freeing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().startswith("store.full"):
                disk.empty()

    freeing = Freeing(logging.WARNING)
    logging.getLogger("spine").addHandler(freeing)
    try:
        with WorkflowRunner(postgres_url) as runner:
            result = runner.execute(workflow)
    finally:
        logging.getLogger("spine").removeHandler(freeing)

    assert result.status is RunStatus.COMPLETED
    assert ran == ["first", "large", "last"]
