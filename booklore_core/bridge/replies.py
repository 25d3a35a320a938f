"""What plugins say to events that just came in: under a deadline, and a few seconds later where it still fits."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from booklore_core.bridge.effects import Effects, effect_json
from booklore_core.bridge.workers import Busy, Workers, is_done_within
from booklore_core.core import Core
from booklore_core.events import BookClose, Event, book_of
from booklore_core.flows import Schedule, Toast
from booklore_core.items import Item, Remark
from booklore_core.pipeline.facts import Facts
from booklore_core.plugin_manager import Plugin

MAX_EVENTS = 10
LATE_REPLY = "late_reply"
"""The action by which a device fetches what came too late for the answer; it is in no menu."""

LATER, LOOKS = 4.0, 5
"""Seconds after which a device comes for a late reply, and how often."""


@dataclass
class Asked:
    """Plugins that are being asked. replies: what they said so far, and to which event. looks: so often the device may
    still come for the rest."""

    replies: deque[tuple[Event, Effects]] = field(default_factory=deque)
    done: "Future[None]" = field(default_factory=Future)
    looks: int = LOOKS

    def take(self) -> Iterator[tuple[Event, Effects]]:
        while self.replies:
            yield self.replies.popleft()


class Replies:
    """Asks each plugin for its `reply`."""

    def __init__(self, core: Core, workers: Workers) -> None:
        self._core, self._workers = core, workers
        self._late: dict[str, Asked] = {}

    def gather(self, device: str, events: Sequence[Event], seconds: float) -> Effects:
        """The effects that plugins want, as far as they come in time; for what they say about a book the device comes
        again. What it has not fetched by the time that it tells of a book anew is dropped: its reader has moved on."""
        is_about_book = any(map(book_of, events))
        if is_about_book:
            self._late.pop(device, None)
        plugins, news = self._core.plugins.with_hook("reply"), current(events)
        if not plugins or not news:
            return []
        asked = Asked()
        try:
            asked.done = self._workers.begin(lambda: self._ask_all(plugins, news, asked))
        except Busy:
            return []
        is_whole = is_done_within(asked.done, max(0.0, seconds))
        in_time = [effect for _, effects in asked.take() for effect in effects]
        if is_whole or not is_about_book:
            return in_time
        self._late[device] = asked
        return [*in_time, Schedule(LATER, LATE_REPLY).as_json()]

    def fetch(self, device: str) -> Effects:
        """What became known since, of what still fits."""
        asked = self._late.get(device)
        if asked is None:
            return []
        asked.looks -= 1
        goes_on = asked.looks > 0 and not asked.done.done()
        late = [effect for event, effects in asked.take() for effect in late_effects(event, effects)]
        if goes_on:
            return [*late, Schedule(LATER, LATE_REPLY).as_json()]
        self._late.pop(device, None)
        return late

    def _ask_all(self, plugins: Sequence[Plugin], events: Sequence[Event], asked: Asked) -> None:
        for event in events:
            for plugin in plugins:
                effects = self._core.plugins.guard(plugin, "reply", partial(self._ask, plugin, event))
                asked.replies.append((event, effects or []))

    def _ask(self, plugin: Plugin, event: Event) -> Effects:
        facts = Facts(self._core.database, self._core.clock())
        about = {"event": event, "journal": self._core.journal, "facts": facts, "targets": self._core.targets}
        given = self._core.plugins.call(plugin, "reply", **about)
        effects = [effect_json(one) for one in given if not isinstance(one, Item | Remark)]
        self._core.put([one for one in given if isinstance(one, Item)], plugin.name)
        remarks = [one for one in given if isinstance(one, Remark) and self._core.derive.remark(plugin, one)]
        return effects + [effect_json(Toast(one.text)) for one in remarks]


def late_effects(event: Event, effects: Effects) -> Iterator[dict[str, Any]]:
    """Effects as they are told late: nobody is led, or asked whether to go, away from another page than the one that he
    was at."""
    page = getattr(getattr(event, "reading", None), "page", None)
    for effect in effects:
        if effect["type"] not in ("goto", "confirm") or not effect.get("book"):
            yield effect
        elif page is not None:
            yield {**effect, "page": page}


def current(events: Sequence[Event]) -> list[Event]:
    """The events that an answer may still fit: every close, and else what came since the last event about a book.

    A device that was out of reach tells of openings whose readers turned many pages since.
    """
    about_books = [index for index, event in enumerate(events) if book_of(event)]
    last = about_books[-1] if about_books else 0
    return [event for index, event in enumerate(events) if index >= last or isinstance(event, BookClose)][-MAX_EVENTS:]
