"""Requests to one target on their way: those of each of its books in their order, those of several books at a time."""

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from booklore_core.guard.deadline import TookTooLong, Watch, caught
from booklore_core.guard.shape import short_text
from booklore_core.items import Item
from booklore_core.targets import Before, BookUnmatched, TargetUnavailable

Request = Sequence[tuple[Item, Before]]
"""What is delivered in one call: one item, or a batch."""

Ids = list[str | None]


class Lanes:
    """Requests that are sent in threads, each of which takes one book after the other until none is left.

    After TargetUnavailable nothing more is begun, and after BookUnmatched nothing more of that book. may_begin: asked
    before each request. spans: the kinds of which a request may be of several books; they go one at a time.
    """

    def __init__(
        self, requests: Sequence[Request], spans: frozenset[str], send: Callable[[Request], Ids],
        may_begin: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._requests, self._send, self._may_begin, self._lock = requests, send, may_begin, threading.Lock()
        lanes: dict[str, list[int]] = defaultdict(list)
        for index, ((item, _), *_) in enumerate(requests):
            lanes["" if item.kind in spans else item.book.match or item.book.partial_md5].append(index)
        self._lanes, self._width = iter(lanes.values()), len(lanes)
        self._answers: dict[int, Ids | Exception | None] = {}
        self._watches: list[Watch[None]] = []
        self._late: Exception = TargetUnavailable("the run was stopped meanwhile")
        self._is_over = False

    @property
    def alive(self) -> list[Watch[Any]]:
        """The threads in which a request is still under way."""
        return [one for one in self._watches if one.is_alive]

    def run(self, most: int, name: str, limit: float, meanwhile: Callable[[], None]) -> None:
        """Sends them, in at most so many threads. limit: seconds for each request; when one takes longer, those that
        have no answer came too late."""
        try:
            for _ in range(min(most, self._width)):
                self._watches.append(Watch(self._work, name))
            for watch in self._watches:
                watch.wait(limit, meanwhile)
        except TookTooLong as error:
            self._late = error
        finally:
            self._stop()

    @property
    def answers(self) -> list[Ids | Exception | None]:
        """What became of each request: the remote's ids, what was raised, or None where it was not begun."""
        found = {index: self._late if answer is None else answer for index, answer in self._stop().items()}
        return [found.get(index) for index in range(len(self._requests))]

    def _work(self, next_part: Callable[[], None]) -> None:
        gone: set[str] = set()
        while lane := self._next_lane():
            for index in lane:
                books = books_of(self._requests[index])
                if books <= gone:
                    continue
                if not self._begin(index):
                    return
                next_part()
                answer = self._answers[index] = caught(partial(self._send, self._requests[index]))
                if isinstance(answer, TargetUnavailable):
                    self._stop()
                if isinstance(answer, BookUnmatched) and len(books) == 1:
                    gone |= books

    def _stop(self) -> dict[int, Ids | Exception | None]:
        """Begins nothing more. Returns the answers so far, None for a request without one."""
        with self._lock:
            self._is_over = True
            return dict(self._answers)

    def _next_lane(self) -> list[int]:
        with self._lock:
            return next(self._lanes, [])

    def _begin(self, index: int) -> bool:
        with self._lock:
            self._is_over = self._is_over or not self._may_begin()
            if not self._is_over:
                self._answers[index] = None
            return not self._is_over


def books_of(request: Request) -> set[str]:
    return {item.book.partial_md5 for item, _ in request}


def ids_of(ids: Any, request: Request) -> Ids:
    """Raises ValueError when a batch is answered with another number of ids."""
    told = [short_text(remote_id) for remote_id in ([None] * len(request) if ids is None else ids)]
    if len(told) != len(request):
        raise ValueError(f"a batch of {len(request)} was answered with {len(told)} ids")
    return told
