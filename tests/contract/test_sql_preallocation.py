"""SQLite's write-ahead log has its blocks of the disk before the steps that fill them."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from spine.orchestration import Registry, Step, Workflow, WorkflowRunner
from spine.testing.contract.drive import driving

FULL = 1000 * 4096  # bytes, where SQLite begins its log again
STEPS_OF_LITTLE_SPACE = """
import resource, sys
from pathlib import Path
from spine.orchestration import Registry, Step, Workflow, WorkflowRunner

def allow_little(_ctx, _config):
    limit = Path(sys.argv[2]).stat().st_size + 120_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    return {}

first = Step.lambda_("first", allow_little)
others = [Step.lambda_(f"then{number}", lambda ctx, config: {}) for number in range(6)]
runner = WorkflowRunner(sys.argv[1], registry=Registry())
result = runner.execute(Workflow("narrow", [first, *others]))
print(result.status.value, *result.completed_steps)
"""


@pytest.fixture
def runner(sqlite_url: str) -> Iterator[WorkflowRunner]:
    with closing(WorkflowRunner(sqlite_url, registry=Registry())) as runner:
        yield runner


@pytest.fixture
def log(sqlite_url: str) -> Path:
    return Path(sqlite_url.removeprefix("sqlite:///") + "-wal")


def sizes_seen_by_steps(runner: WorkflowRunner, log: Path, *, steps: int) -> list[int]:
    seen: list[int] = []

    def look(_ctx, _config):
        seen.append(log.stat().st_size)
        return {}

    looks = [Step.lambda_(f"look{number}", look) for number in range(steps)]
    runner.execute(Workflow("looking", looks)).raise_for_status()
    return seen


def test_the_log_grows_a_few_times_in_a_run_and_not_at_every_step(runner, log):
    sizes = sizes_seen_by_steps(runner, log, steps=100)

    assert len(set(sizes)) < 25
    assert sizes == sorted(sizes)


def test_a_log_that_begins_again_is_not_made_longer(runner, log):
    sizes = sizes_seen_by_steps(runner, log, steps=600)

    assert FULL <= sizes[-1] < FULL * 1.1
    assert len({size for size in sizes if size > FULL}) < 10

    assert set(sizes_seen_by_steps(runner, log, steps=3)) == {sizes[-1]}


def test_nothing_of_it_is_in_the_database(runner, sqlite_rows):
    pages = sqlite_rows.one("PRAGMA page_count")
    steps = [Step.lambda_(f"step{number}", lambda _ctx, _config: {}) for number in range(8)]
    result = runner.execute(Workflow("small", steps))

    assert sqlite_rows.ask("SELECT run_id FROM core_workflow_definitions") == [(result.run_id,)]
    assert sqlite_rows.one("PRAGMA page_count") <= pages + 8
    assert sqlite_rows.one("PRAGMA integrity_check") == "ok"


def test_where_there_is_no_space_for_it_the_steps_are_written_all_the_same(sqlite_url, log):
    program = [sys.executable, "-c", STEPS_OF_LITTLE_SPACE, sqlite_url, str(log)]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stdout.split()[0], done.stdout.split()[-1]) == (0, "completed", "then5"), done.stderr


def test_who_writes_nothing_needs_no_room_and_waits_for_nobody(sqlite_store, sqlite_rows):
    with driving(sqlite_store) as drive, sqlite_rows.connection() as other:
        for number in range(10):
            drive.save(f"step{number}")
        other.execute("BEGIN IMMEDIATE")

        for _ in range(100):
            drive.writer.require_lease()
