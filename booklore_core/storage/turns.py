"""The writers of one process, one after the other.

Each would come to SQLite again and again until it finds nobody else there; among many one would wait for seconds.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """patience: seconds after which a writer no longer waits for its turn; then it is told what the database says."""

    def __init__(self, patience: float) -> None:
        self._lock, self._patience = threading.Lock(), patience

    @contextmanager
    def one(self) -> Iterator[None]:
        is_ours = self._lock.acquire(timeout=self._patience)
        try:
            yield
        finally:
            if is_ours:
                self._lock.release()
