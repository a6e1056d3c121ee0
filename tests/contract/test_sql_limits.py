"""SQLite where the system lets no file grow over a limit."""

import resource
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from spine.errors import StoreFull, StoreUnavailable
from spine.records.finding import Verdict
from spine.stores.open import open_store
from spine.testing.contract.drive import FAILED, driving, everything, run_to


@contextmanager
def no_file_over(size):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_cannot_be_opened_for_want_of_space_says_so(sqlite_store, sqlite_url):
    run_to(sqlite_store, FAILED)
    sqlite_store.close()
    with no_file_over(1000), closing(open_store(sqlite_url)) as store:  # less than what SQLite keeps beside the file
        with pytest.raises(StoreFull, match="no space left to open"):
            store.get_run("run-1")
        [finding] = store.examine()

    assert (finding.verdict, finding.remedy) == (Verdict.PROBLEM, "free some space on the disk of the database")


def test_a_file_that_may_not_grow_is_told_with_what_to_do_and_keeps_what_it_has(sqlite_store, sqlite_url):
    log = Path(f"{sqlite_url.removeprefix('sqlite:///')}-wal")
    with driving(sqlite_store) as drive:
        drive.save("extract")
        before = everything(sqlite_store)
        with (
            no_file_over(log.stat().st_size + 100_000),
            pytest.raises(StoreUnavailable, match="could not be read or written: a limit of its size"),
        ):
            drive.save("transform", {"text": "x" * 1_000_000})

        assert everything(sqlite_store) == before
        drive.writer.end_run(FAILED)
