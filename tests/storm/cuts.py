"""Connections cut by a proxy that loses questions and answers or falls silent, and by the server itself."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers.proxy import Loss, Proxy
from tests.storm.kind import Kind
from tests.storm.restarts import drivers_of
from tests.storm.round import Round, wait_until_ready
from tests.storm.tally import Tried
from tests.storm.way import port_of, through, told

RUNS = 5
MOST_CUTS = 10
LONGEST_SILENCE = 2.5
LONGEST_WAIT = 1.5
TERMINATE = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


class MoodyProxy(Proxy):
    """A proxy that can also fall silent: everything waits, in both directions and on every connection."""

    def __init__(self, port: int) -> None:
        self._speaks = threading.Event()
        self._speaks.set()
        super().__init__(port)

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Let nothing through inside; what came meanwhile arrives late, or is lost if that is asked for inside."""
        self._speaks.clear()
        try:
            yield
        finally:
            self._speaks.set()

    def close(self) -> None:
        self._speaks.set()
        super().close()

    def _loses(self, *, to_server: bool) -> bool:
        self._speaks.wait()
        return super()._loses(to_server=to_server)


def cut_again_and_again(storm: Round) -> None:
    """Cut the connections of several drivers at random; the lease outlives every silence."""
    stories = storm.stories(storm.some(RUNS), seconds=0.1)
    with moody_proxy(storm.database.url) as (proxy, url):
        workers = drivers_of(storm, stories, url=told(url, f"answer_timeout={LONGEST_WAIT}"))
        wait_until_ready(workers)
        ways = (
            lambda: proxy.lose(Loss.QUESTION),
            lambda: proxy.lose(Loss.ANSWER),
            lambda: _be_silent(storm, proxy),
            lambda: _fall_silent(storm, proxy),
            lambda: _terminate(storm),
        )
        for _ in range(storm.dice.randint(2, storm.some(MOST_CUTS))):
            time.sleep(storm.dice.random() * 0.1)
            storm.dice.choice(ways)()
        storm.wait(*workers)
        storm.tally.tried[Tried.CUTS] += proxy.losses
    storm.finish(stories)
    storm.judge_workers(allowed=("StoreUnavailable",))


@contextmanager
def moody_proxy(url: str) -> Iterator[tuple[MoodyProxy, str]]:
    proxy = MoodyProxy(port_of(url))
    try:
        yield proxy, through(url, proxy.port)
    finally:
        proxy.close()


def _fall_silent(storm: Round, proxy: MoodyProxy) -> None:
    """Swallow what comes on these connections, for good."""
    proxy.fall_silent()
    storm.tally.tried[Tried.CUTS] += 1


def _be_silent(storm: Round, proxy: MoodyProxy) -> None:
    """Keep everybody waiting, some for longer than they wait for an answer."""
    with proxy.silence():
        time.sleep(storm.dice.random() * LONGEST_SILENCE)
        if storm.dice.random() < 0.5:
            proxy.lose(storm.dice.choice((Loss.QUESTION, Loss.ANSWER)))
    storm.tally.tried[Tried.CUTS] += 1


def _terminate(storm: Round) -> None:
    with storm.database.rows() as rows:
        storm.tally.tried[Tried.CUTS] += rows.one(TERMINATE)


CUTS = Kind(name="cuts", rage=cut_again_and_again, fits=lambda place: place.server is not None)
