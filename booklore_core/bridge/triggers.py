"""When to sync: after reading, on going to sleep, after waking up, and when the network is back.

Source: seed offline-support, *Automatic sync triggers*; design §9.
"""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta

from booklore_core.actions.settings import sync_mode
from booklore_core.actions.sync import reasons, summary
from booklore_core.bridge.effects import Effects, LateEffects
from booklore_core.bridge.workers import BackgroundWorker, is_done_within
from booklore_core.core import Core, Report
from booklore_core.events import BookClose, Delete, Event, NetworkConnected, Resume
from booklore_core.flows import Schedule, Toast
from booklore_core.storage.counts import UNMATCHED

WAKE_SYNC = "wake_sync"
"""The action that a device runs some seconds after waking up; it is in no menu."""

WAIT = 4.0
"""Seconds that an answer is held back for the outcome of a sync; what is known later is told at the next contact."""


@dataclass
class Wake:
    """A device's wake sync. due: scheduled and not run yet. last: when one last reached the targets."""

    due: bool = False
    last: datetime | None = None


class Triggers:
    """Starts syncs that nobody asked for. With sync off or *Manual only* it starts none."""

    def __init__(self, core: Core, worker: BackgroundWorker, late: LateEffects, wait: float = WAIT) -> None:
        self._core, self._worker, self._late, self._wait = core, worker, late, wait
        self._wakes: dict[str, Wake] = {}
        self._told: dict[str, str] = {}
        self._unknown: dict[str, set[str]] = {}

    def follow(self, device: str, events: Sequence[Event], has_news: bool, waits: bool = True) -> Effects:
        """What follows from the events of one hand-off: at most one sync. has_news: whether there may be more to send.
        waits: whether the answer is held back for the sync's outcome."""
        if not self._may_sync():
            return []
        wake = self._wakes.setdefault(device, Wake())
        woken = self._follow_wake(wake, events)
        effects = []
        if woken or (has_news and self._has_ended(events)):
            effects = self._sync(device, wake if woken else None, waits)
        elif has_news and not ends(events):
            self._worker.sync()  # progress while reading: nobody waits for it, nobody is told
        if wake.due:
            effects.append(Schedule(self._core.settings["sync.wake_delay"], WAKE_SYNC).as_json())
        return effects

    def run_wake_sync(self, device: str) -> Effects:
        """The scheduled sync after waking up, unless one ran since or within the cooldown."""
        wake = self._wakes.setdefault(device, Wake())
        wake.due = False
        return self._sync(device, wake) if self._may_sync() and not self._is_cooling(wake) else []

    def _may_sync(self) -> bool:
        return bool(self._core.settings["sync.enabled"]) and sync_mode(self._core) != "manual"

    def _follow_wake(self, wake: Wake, events: Sequence[Event]) -> bool:
        """Whether the network came back while a wake sync was due: it is run at once."""
        at_once = False
        for event in events:
            if isinstance(event, Resume) and not self._is_cooling(wake):
                wake.due = True
            elif isinstance(event, NetworkConnected) and wake.due:
                wake.due, at_once = False, True
        return at_once

    def _is_cooling(self, wake: Wake) -> bool:
        cooldown = timedelta(seconds=self._core.settings["sync.wake_cooldown"])
        return wake.last is not None and self._core.clock() - wake.last < cooldown

    def _has_ended(self, events: Sequence[Event]) -> bool:
        """Whether a stretch ended in a way that starts a sync."""
        on_suspend = sync_mode(self._core) == "automatic" or self._core.settings["sync.on_suspend"]
        return any(on_suspend or getattr(event, "reason", "") != "suspend" for event in ends(events))

    def _sync(self, device: str, wake: Wake | None, waits: bool = True) -> Effects:
        run = self._worker.sync()
        if wake:
            run.add_done_callback(lambda done: self._note_wake(wake, done))
        if is_done_within(run, self._wait if waits else 0):
            return self._tell(device, run)
        run.add_done_callback(lambda done: self._late.keep(device, self._tell(device, done)))
        return []

    def _note_wake(self, wake: Wake, run: "Future[Report]") -> None:
        """A wake sync that reached nobody starts no cooldown: the network may come up any moment."""
        if not run.cancelled() and run.exception() is None and not run.result().unavailable:
            wake.last = self._core.clock()

    def _tell(self, device: str, run: "Future[Report]") -> Effects:
        """A toast about a sync that nobody asked for: if something arrived, or something new went wrong."""
        if run.cancelled() or self._core.settings["sync.silent"]:
            return []
        error = run.exception()
        trouble = trouble_of(run.result()) if error is None else type(error).__name__
        is_news = trouble not in (NO_TROUBLE, self._told.get(device))
        self._told[device] = trouble
        lacking = self._lacking() if error is None and not run.result().unavailable else set()
        is_news = is_news or not lacking <= self._unknown.get(device, set())
        self._unknown[device] = self._unknown.get(device, set()) | lacking
        if error is not None:
            return [Toast(f"Sync failed: {error}").as_json()] if is_news else []
        arrived = run.result().total("delivered")
        if not (arrived or is_news):
            return []
        why = reasons(self._core, run.result())
        return [Toast(summary(self._core, run.result(), why, is_news)).as_json()]

    def _lacking(self) -> set[str]:
        """The partial MD5s of the books that wait because a target does not know them."""
        return {row["book_md5"] for row in self._core.database.rows(UNMATCHED)}


def trouble_of(report: Report) -> str:
    """What went wrong in a run, equal for equal troubles."""
    counts = sorted(report.total("rejected").items())
    return str((sorted(report.unavailable.items()), sorted(report.total("failed")), counts))


NO_TROUBLE = trouble_of(Report())


def ends(events: Sequence[Event]) -> list[Event]:
    """The events after which the reader has stopped: closes and deletions."""
    return [event for event in events if isinstance(event, BookClose | Delete)]
