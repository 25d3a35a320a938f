"""The background worker that delivers: one run at a time, and whoever asks meanwhile shares the next one."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from booklore_core.bridge.errands import settle
from booklore_core.core import Core, Report

log = logging.getLogger(__name__)

STOP_WITHIN = 10.0
"""Seconds that a run in progress has when the bridge ends. What it leaves unconfirmed is looked up by the next one."""


class Syncer:
    """Delivers when asked. Targets and actions are renewed by the same thread, so never during a run of its own."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._asked = threading.Condition()
        self._next: dict[str, Future[Any]] = {}
        self._stopped = False
        self._thread = threading.Thread(target=self._work, daemon=True, name="syncer")
        self._thread.start()

    def request(self) -> "Future[Report]":
        """The next run's report. Everything that is durable now will have been tried when it is there."""
        return self._ask("sync")

    def refresh(self) -> "Future[None]":
        """Done when targets and actions fit the settings again."""
        return self._ask("refresh")

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
                fulfil(wanted["refresh"], self._core.refresh)
            if "sync" in wanted:
                fulfil(wanted["sync"], self._core.sync)

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


def fulfil(future: "Future[Any]", work: Callable[[], Any]) -> None:
    """Does the work for those who wait. What it raises is logged; the worker lives on."""
    settle(future, work)
    error = future.exception()
    if error is not None:
        log.error("%s failed: %s: %s", getattr(work, "__name__", "work"), type(error).__name__, error)
        log.debug("", exc_info=error)
