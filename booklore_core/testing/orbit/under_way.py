"""Which books something is written about just now. Source: contract 12.4."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from booklore_core.testing.server.routing import ServerRequest

ABOUT = re.compile(rb'"(?:hash|document)":\s*"([0-9a-fA-F]{32})"')
READS = re.compile(r".*/(match-check|version|sweeps)")


class UnderWay:
    """The books of the requests that are worked on. overlaps: of which one was told while it was written about, oldest
    first."""

    def __init__(self) -> None:
        self._books: list[str] = []
        self._lock = threading.Lock()
        self.overlaps: deque[str] = deque(maxlen=1000)

    @contextmanager
    def of(self, request: ServerRequest) -> Iterator[None]:
        writes = (
            request.method in ("POST", "PUT") and "/koreader/" in request.path and not READS.fullmatch(request.path)
        )
        own = {one.decode().lower() for one in ABOUT.findall(request.body)} if writes else set[str]()
        with self._lock:
            self.overlaps.extend(sorted(own.intersection(self._books)))
            self._books.extend(own)
        try:
            yield
        finally:
            with self._lock:
                for one in own:
                    self._books.remove(one)
