"""A network between an e-reader and a core, which may be cut in the middle of a request."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Cable:
    """Carries connections to one address. sent: bytes that the e-reader has sent. lasts: for so many it holds."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        self._core = (where.hostname, where.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.sent, self.lasts = 0, float("inf")
        self.before: Callable[[int], None] = lambda number: None
        self.connections = 0

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                device, _ = self._listener.accept()
                self.before(self.connections)
                self.connections += 1
                threading.Thread(target=self._connect, args=(device,), daemon=True).start()

    def _connect(self, device: socket.socket) -> None:
        with device, suppress(OSError):
            if self.sent >= self.lasts:
                return
            with socket.create_connection(self._core) as core:
                back = threading.Thread(target=carry, args=(core, device), daemon=True)
                back.start()
                while (some := device.recv(16 * 1024)) and self.sent + len(some) <= self.lasts:
                    core.sendall(some)
                    self.sent += len(some)
                if some:
                    self.sent = int(self.lasts)
                    device.shutdown(socket.SHUT_RDWR)
                core.shutdown(socket.SHUT_WR)
                back.join()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while some := source.recv(16 * 1024):
            target.sendall(some)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def laid(url: str) -> Iterator[Cable]:
    """A cable to an address, for as long as it is needed."""
    cable = Cable(url)
    thread = threading.Thread(target=cable.serve, daemon=True)
    thread.start()
    try:
        yield cable
    finally:
        cable.close()
        thread.join()
