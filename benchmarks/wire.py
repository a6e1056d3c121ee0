"""`Wire`: a TCP proxy before a database that counts round trips and makes them longer."""

import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

CHUNK = 1 << 16
HOST = "127.0.0.1"


class Wire:
    """Forwards connections to a server on loopback; `trips` is how often somebody asked it something and waited."""

    def __init__(self, port: int, *, delay_seconds: float = 0.0) -> None:
        self.trips = 0
        self._target = port
        self._delay_seconds = delay_seconds
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """Forward both ways; what one end says until the other answers is one message, delayed as one."""
        with client, socket.create_connection((HOST, self._target)) as server, suppress(OSError):
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            speaker = server
            while True:
                ready, _, _ = select.select([client, server], [], [])
                data = ready[0].recv(CHUNK)
                if not data:
                    return
                if ready[0] is client and speaker is server:
                    self.trips += 1
                    time.sleep(self._delay_seconds)
                speaker = ready[0]
                (server if speaker is client else client).sendall(data)


@contextmanager
def wired(url: str, *, delay_seconds: float = 0.0) -> Iterator[tuple[Wire, str]]:
    """Put a wire before the database of this URL and give both."""
    parts = urlsplit(url)
    wire = Wire(parts.port or 5432, delay_seconds=delay_seconds)
    userinfo = parts.netloc.rpartition("@")[0]
    try:
        yield wire, urlunsplit(parts._replace(netloc=f"{userinfo}@{HOST}:{wire.port}"))
    finally:
        wire.close()
