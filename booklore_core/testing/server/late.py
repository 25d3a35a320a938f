"""Requests that are carried out after their senders have given up. Source: server-contract.md 17."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from booklore_core.testing.server.answers import Answer


class TableLocked(Exception):
    """A row cannot be inserted now. insert: does it, once the table is free."""

    def __init__(self, insert: Callable[[], Answer]) -> None:
        super().__init__("the table is locked")
        self.insert = insert


@dataclass(frozen=True, eq=False)
class LateRequest:
    """work: what is done late. due: seconds since 1970 by the server's clock, infinite: when told. answer: perhaps
    nobody is there any more to get it."""

    work: Callable[[], Answer]
    due: float
    answer: Future[Answer] = field(default_factory=Future)


class LateRequests:
    """Those that wait, in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: list[LateRequest] = []
        self._lock = threading.Lock()

    def put(self, work: Callable[[], Answer], due: float = float("inf")) -> LateRequest:
        late = LateRequest(work, due)
        with self._lock:
            self._waiting.append(late)
        return late

    def take(self, now: float = float("inf")) -> list[LateRequest]:
        """Those that are due, the earliest first; they wait no more."""
        with self._lock:
            due = sorted((one for one in self._waiting if one.due <= now), key=lambda one: one.due)
            self._waiting = [one for one in self._waiting if one.due > now]
        return due
