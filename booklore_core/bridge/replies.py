"""What plugins say to events that just came in, under a deadline."""

from collections.abc import Sequence
from functools import partial

from booklore_core.bridge.effects import Effects, effect_json
from booklore_core.bridge.workers import Busy, Workers, is_done_within
from booklore_core.core import Core
from booklore_core.events import BookClose, Event
from booklore_core.items import Item
from booklore_core.pipeline.facts import Facts
from booklore_core.plugin_manager import Plugin

MAX_EVENTS = 10


class Replies:
    """Asks each plugin for its `reply`."""

    def __init__(self, core: Core, workers: Workers) -> None:
        self._core, self._workers = core, workers

    def gather(self, events: Sequence[Event], seconds: float) -> Effects:
        """The effects that plugins want, as far as they come in time: later the reader has moved on."""
        wanted: Effects = []
        plugins = self._core.plugins.with_hook("reply")
        news = current(events)
        if plugins and news and seconds > 0:
            try:
                asked = self._workers.begin(lambda: self._ask_all(plugins, news, wanted))
            except Busy:
                return []
            is_done_within(asked, seconds)
        return list(wanted)

    def _ask_all(self, plugins: Sequence[Plugin], events: Sequence[Event], wanted: Effects) -> None:
        for event in events:
            for plugin in plugins:
                wanted += self._core.plugins.guard(plugin, "reply", partial(self._ask, plugin, event)) or []

    def _ask(self, plugin: Plugin, event: Event) -> Effects:
        facts = Facts(self._core.database, self._core.clock())
        about = {"event": event, "journal": self._core.journal, "facts": facts, "targets": self._core.targets}
        given = self._core.plugins.call(plugin, "reply", **about)
        effects = [effect_json(one) for one in given if not isinstance(one, Item)]
        self._core.put([one for one in given if isinstance(one, Item)], plugin.name)
        return effects


def current(events: Sequence[Event]) -> list[Event]:
    """The events that an answer may still fit: every close, and else what came since the last event about a book.

    A device that was out of reach tells of openings whose readers turned many pages since.
    """
    about_books = [index for index, event in enumerate(events) if getattr(event, "book", None)]
    last = about_books[-1] if about_books else 0
    return [event for index, event in enumerate(events) if index >= last or isinstance(event, BookClose)][-MAX_EVENTS:]
