"""A TCP proxy before a database that can lose a question or an answer, or fall silent."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from enum import Enum
from urllib.parse import urlsplit, urlunsplit


class Loss(Enum):
    """What is lost next, and with it the connection."""

    NOTHING = "nothing"
    QUESTION = "the next message to the server"
    ANSWER = "the server's answer to the next message"
    REST = "the second half of the server's answer to the next message, which a pooler's own words follow"


_FIELDS = b"SFATAL\0C08P01\0Mserver conn crashed?\0\0"
_OF_A_POOLER = b"E" + (len(_FIELDS) + 4).to_bytes(4, "big") + _FIELDS


class Proxy:
    """Forwards connections to a server on loopback until it is told to lose something."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._loss = Loss.NOTHING
        self._asked = False
        self._spared = 0
        self._accepted = self._silent = self._hung_up = 0
        self._clients: list[socket.socket] = []
        self._is_over = threading.Event()
        self.losses = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(self, loss: Loss, *, after: int = 0) -> None:
        """Lose this once, on whichever connection speaks next, once so many questions have come through."""
        with self._lock:
            self._loss, self._asked, self._spared = loss, False, after

    def fall_silent(self) -> None:
        """Swallow whatever comes on the connections that are open now, and close none of them."""
        self._silent = self._accepted

    def hang_up(self) -> None:
        """End the connections that are open now for their clients alone: the server learns nothing of it."""
        self._hung_up = self._accepted
        for client in self._clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._is_over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._accepted += 1
                self._clients.append(client)
                for source, sink, to_server in ((client, server, True), (server, client, False)):
                    ends = (source, sink, to_server, self._accepted)
                    threading.Thread(target=self._pump, args=ends, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, to_server: bool, number: int) -> None:
        with source, sink:
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    if number <= self._silent:
                        continue
                    loss = self._loses(to_server=to_server)
                    if loss is Loss.REST:
                        sink.sendall(data[: len(data) // 2] + _OF_A_POOLER)
                    if loss is not Loss.NOTHING:
                        break
                    sink.sendall(data)
            if number <= self._hung_up:
                self._is_over.wait()
            # Closing alone would tell nobody while the other thread still waits for what comes from there.
            for end in (source, sink):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _loses(self, *, to_server: bool) -> Loss:
        with self._lock:
            if self._loss is Loss.NOTHING:
                return Loss.NOTHING
            if to_server and self._spared:
                self._spared -= 1
                return Loss.NOTHING
            if to_server and self._loss is not Loss.QUESTION:
                self._asked = True
                return Loss.NOTHING
            if not to_server and not self._asked:
                return Loss.NOTHING
            loss, self._loss = self._loss, Loss.NOTHING
            self.losses += 1
            return loss


@contextlib.contextmanager
def proxied(url: str) -> Iterator[tuple[Proxy, str]]:
    """Put a proxy before the database of this URL and give both."""
    parts = urlsplit(url)
    assert parts.port is not None
    proxy = Proxy(parts.port)
    userinfo = parts.netloc.rpartition("@")[0]
    try:
        yield proxy, urlunsplit(parts._replace(netloc=f"{userinfo}@127.0.0.1:{proxy.port}"))
    finally:
        proxy.close()
