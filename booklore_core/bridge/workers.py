"""Threads beside the requests: a bounded number for what a device waits for, and one that syncs in the background."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from functools import partial
from typing import Any, TypeVar

from booklore_core.core import Core, Report

log = logging.getLogger(__name__)

T = TypeVar("T")

MAX_WORKERS = 16

STOP_WITHIN = 10.0
"""Seconds that a run in progress has when the bridge ends. What it leaves unconfirmed is looked up by the next one."""


class Busy(Exception):
    """Too much is going on already; the caller may try again."""


class Workers:
    """A bounded number of threads. They never keep the program from ending."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(MAX_WORKERS)

    def begin(self, work: Callable[[], T]) -> "Future[T]":
        """Begins work in a thread. Raises Busy when all are taken."""
        if not self._free.acquire(blocking=False):
            raise Busy("the core is busy; try again in a moment")
        future: Future[T] = Future()
        threading.Thread(target=settle, args=(future, partial(self._carry_out, work)), daemon=True).start()
        return future

    def _carry_out(self, work: Callable[[], T]) -> T:
        try:
            return work()
        finally:
            self._free.release()


class BackgroundWorker:
    """Syncs when asked, one run at a time; whoever asks during a run shares the next one.

    Targets and actions are renewed by the same thread, so never during a run of its own.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._asked = threading.Condition()
        self._next: dict[str, Future[Any]] = {}
        self._stopped = False
        self._thread = threading.Thread(target=self._work, daemon=True, name="background")
        self._thread.start()

    def sync(self) -> "Future[Report]":
        """The next run's report. Everything that is durable now will have been tried when it is there."""
        return self._ask("sync")

    def lead(self) -> "Future[int]":
        """How many facts are news. Everything that is durable now will have been seen by every feature then."""
        return self._ask("lead")

    def refresh(self) -> "Future[None]":
        """Done when targets and actions fit the settings again."""
        return self._ask("refresh")

    def catch_up(self) -> "Future[None]":
        """Done when what an earlier process left is done; see `Core.catch_up`."""
        return self._ask("catch_up")

    def _ask(self, what: str) -> "Future[Any]":
        with self._asked:
            self._asked.notify()
            return self._next.setdefault(what, Future())

    def _work(self) -> None:
        while True:
            with self._asked:
                self._asked.wait_for(lambda: self._next or self._stopped)
                if self._stopped:
                    return
                wanted, self._next = self._next, {}
            if "refresh" in wanted:
                settle_and_log(wanted["refresh"], self._core.refresh)
            if "catch_up" in wanted:
                settle_and_log(wanted["catch_up"], self._core.catch_up)
            if "lead" in wanted:
                settle_and_log(wanted["lead"], self._core.derive.lead)
            if "sync" in wanted:
                settle_and_log(wanted["sync"], self._core.sync)

    def stop(self) -> None:
        """Ends the worker after the run in progress; what was asked for since then is cancelled."""
        with self._asked:
            self._stopped = True
            self._asked.notify()
        self._thread.join(STOP_WITHIN)
        for future in self._next.values():
            future.cancel()

    @property
    def is_working(self) -> bool:
        return self._thread.is_alive()


def settle(future: "Future[T]", work: Callable[[], T]) -> None:
    """Does the work for those who wait for the future; what it raises is theirs to handle."""
    try:
        value = work()
    except BaseException as error:  # noqa: BLE001 handed over to whoever waits
        future.set_exception(error)
    else:
        future.set_result(value)


def settle_and_log(future: "Future[T]", work: Callable[[], T]) -> None:
    """The same, for work that nobody may wait for: what it raises is logged as well."""
    settle(future, work)
    error = future.exception()
    if error is not None:
        log.error("%s failed: %s: %s", getattr(work, "__name__", "work"), type(error).__name__, error)
        log.debug("", exc_info=error)


def value_or(otherwise: T, work: Callable[[], T]) -> T:
    """What work returns; what it raises is logged and otherwise taken. For what must not cost a device its answer."""
    future: Future[T] = Future()
    settle_and_log(future, work)
    return otherwise if future.exception() else future.result()


def is_done_within(future: "Future[T]", seconds: float) -> bool:
    return bool(wait([future], timeout=seconds).done)
