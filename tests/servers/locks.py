"""Locks on files: the kernel frees one when its holder dies, however it dies; it is a sign of life."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def take(path: Path, how: int = fcntl.LOCK_EX) -> int:
    """Wait for the lock and hold it until the returned descriptor is closed; no child process inherits it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, how)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def held(path: Path, how: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Hold the lock inside the block; with LOCK_NB, BlockingIOError tells that another one holds it."""
    descriptor = take(path, how)
    try:
        yield
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock for himself alone; asking takes nothing from others who ask."""
    try:
        with held(path, fcntl.LOCK_SH | fcntl.LOCK_NB):
            return False
    except BlockingIOError:
        return True
