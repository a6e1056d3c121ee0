"""What is told in the log does not stop what is done."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

import spine
from spine import log


class Broken(logging.Handler):
    error: BaseException

    def emit(self, record: logging.LogRecord) -> None:
        raise self.error


@pytest.fixture(params=[RuntimeError("no room"), SystemExit("the log is gone")], ids=repr)
def broken(request: pytest.FixtureRequest) -> Iterator[None]:
    logger, handler = logging.getLogger("spine"), Broken()
    handler.error = request.param
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)


def test_a_message_is_told_as_of_the_line_that_told_it(caplog):
    log.tell(logging.WARNING, "store.lost error=%r", "x")

    assert [(each.message, each.filename) for each in caplog.records] == [("store.lost error='x'", "test_log.py")]


@pytest.mark.usefixtures("broken")
def test_a_handler_that_raises_is_no_failure_of_what_is_told_of():
    log.tell(logging.WARNING, "store.lost error=%r", "x")


def test_what_is_not_an_event_is_told_in_no_other_way():
    folder = Path(spine.__file__).parent
    loggers = {
        str(path.relative_to(folder)) for path in folder.rglob("*.py") if 'getLogger("spine")' in path.read_text()
    }

    assert loggers == {"log.py", "hooks/logging.py", "cli/logs.py"}
