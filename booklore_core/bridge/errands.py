"""Work in threads of its own, so that a request can stop waiting for it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

T = TypeVar("T")

MAX_ERRANDS = 16


class Busy(Exception):
    """Too much is going on already; the caller may try again."""


class Errands:
    """A bounded number of threads. They never keep the program from ending."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(MAX_ERRANDS)

    def begin(self, work: Callable[[], T]) -> "Future[T]":
        """Begins work in a thread. Raises Busy when all are taken."""
        if not self._free.acquire(blocking=False):
            raise Busy("the core is busy; try again in a moment")
        future: Future[T] = Future()
        threading.Thread(target=self._carry_out, args=(work, future), daemon=True, name="errand").start()
        return future

    def _carry_out(self, work: Callable[[], T], future: "Future[T]") -> None:
        def work_and_go() -> T:
            try:
                return work()
            finally:
                self._free.release()

        settle(future, work_and_go)


def settle(future: "Future[T]", work: Callable[[], T]) -> None:
    """Does the work for those who wait for the future; what it raises is theirs to handle."""
    try:
        value = work()
    except BaseException as error:  # noqa: BLE001 handed over to whoever waits
        future.set_exception(error)
    else:
        future.set_result(value)


def is_done_within(future: "Future[T]", seconds: float) -> bool:
    return bool(wait([future], timeout=seconds).done)
