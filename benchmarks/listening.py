"""Hearing what is said to SQLite: it writes no log of its own."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def heard(listener: Callable[[str], object]) -> Iterator[None]:
    """Tell the listener of each statement on the connections that are opened in the block."""
    driver: Any = sqlite3.dbapi2
    connect = driver.connect

    def listened(*arguments: Any, **options: Any) -> Any:
        connection = connect(*arguments, **options)
        connection.set_trace_callback(listener)
        return connection

    driver.connect = listened
    try:
        yield
    finally:
        driver.connect = connect
