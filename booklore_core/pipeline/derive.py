"""Each feature's way through the journal: its place, its facts, its failures.

A feature is led from its own place to the end, a batch at a time. No lock is held while its hooks run; its facts and
its new place are committed together, unless the place has moved meanwhile or a fact that it read has changed: then the
work is thrown away and done again. So a feature that hangs or raises holds up only itself.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from booklore_core.guard.culprit import told
from booklore_core.guard.deadline import TookTooLong, Watch
from booklore_core.hookspecs import PROJECT
from booklore_core.items import Item, Proposal, Remark
from booklore_core.pipeline.event_log import Entry, EventLog
from booklore_core.pipeline.facts import Facts
from booklore_core.pipeline.journal import Journal
from booklore_core.pipeline.lease import Clock
from booklore_core.pipeline.outbox import Outbox
from booklore_core.pipeline.remarks import note_remarks
from booklore_core.plugin_manager import Plugin, PluginManager
from booklore_core.settings import BadSetting
from booklore_core.storage.database import Database

log = logging.getLogger(__name__)

BATCH = 500
"""So many events are derived between two commits."""

HOOK_LIMIT = 10.0
"""Seconds that a hook may take for one event; then its feature is suspended until the hook returns."""

MAX_RETRIES = 10
"""So many events at which a feature raised before are tried again at a time."""

START = "INSERT INTO features (name, place) VALUES (:name, :place) ON CONFLICT (name) DO NOTHING"
MOVE = "UPDATE features SET place = :place WHERE name = :name AND place = :before"
Made = Item | Remark | Proposal
"""What a feature makes of an event."""


class Overtaken(Exception):
    """Another process has led the feature on, or something that it read has changed: its work is thrown away."""


@dataclass(frozen=True)
class Derived:
    """What a feature made of the event in row id. error: why it raised; then it made nothing of it."""

    id: int
    given: Sequence[Made] = ()
    error: str | None = None


class Derive:
    """Leads the features. Every thread and process may ask for it at any time."""

    def __init__(
        self,
        database: Database,
        event_log: EventLog,
        journal: Journal,
        outbox: Outbox,
        plugins: PluginManager,
        clock: Clock,
    ) -> None:
        self._database, self._event_log, self._journal, self._outbox = database, event_log, journal, outbox
        self._plugins, self._clock = plugins, clock
        self._places, self._failures = database.table("features"), database.table("failures")
        self.leading = threading.Lock()  # who holds it leads the features on
        self._hanging, self._batch = dict[str, Watch[None]](), dict[int, list[Entry]]()

    def begin(self) -> None:
        """Notes where new features begin, so that what arrives from now on is not the past to them."""
        known = {row["name"] for row in self._places.find()}
        for plugin in self._plugins.features:
            if plugin.name not in known:
                self._place(plugin)

    def lead(self) -> int:
        """Brings every feature to where the journal ends now. Returns how many facts are news.

        Nothing a feature does is raised: what it fails at is noted, tried again at the next call, and names it.
        """
        with self.leading:
            before, end, news, self._batch = self._places.find(), self._event_log.end, 0, {}
            features = sorted(self._plugins.features, key=comes_last)
            begun = [(plugin, self._lead(plugin, end)) for plugin in features if not self._is_hanging(plugin)]
            while begun:  # a batch each in turn: of events that one has just seen the next finds all at hand
                made = [(plugin, leading, self._lead_on(plugin, leading)) for plugin, leading in begun]
                news += sum(count or 0 for *_, count in made)
                begun = [(plugin, leading) for plugin, leading, count in made if count is not None]
            after, self._batch = self._places.find(), {}
            if after != before:
                waited_for = [row["place"] for row in after if self._may_go_on(row["name"])]
                self._event_log.drop_lists(min(waited_for, default=0))
        return news

    def _lead_on(self, plugin: Plugin, leading: Iterator[int]) -> int | None:
        """Leads one feature a batch further; None at the end. What it made and nobody can keep is its fault, and waits
        with its events."""
        try:
            return next(leading, None)
        except (AttributeError, TypeError, ValueError, SQLAlchemyError) as error:
            self._plugins.blame(plugin, f"made what cannot be kept: {told(error, plugin.package)}", error)
            return None

    def _may_go_on(self, feature: str) -> bool:
        """Whether a feature may yet come to what it has not consumed; one that is gone may not once it is off."""
        return feature in self._plugins.plugins or self._plugins.is_enabled(feature)

    def failing(self) -> dict[str, tuple[int, str]]:
        """feature → at how many events it raised, and the error of the last one."""
        found: dict[str, tuple[int, str]] = {}
        for row in self._failures.find("failed_at"):
            found[row["feature"]] = (found.get(row["feature"], (0, ""))[0] + 1, row["error"])
        return found

    def _is_hanging(self, plugin: Plugin) -> bool:
        return plugin.name in self._hanging and self._hanging[plugin.name].is_alive

    def _lead(self, plugin: Plugin, end: int) -> Iterator[int]:
        """Leads a feature, a batch at a time, at least to end. Gives how many facts are news."""
        yield self._retry(plugin)
        while not self._is_hanging(plugin):
            place = self._place(plugin)
            if place is None or place >= end or not (entries := self._entries(place)):
                break
            facts, found = self._ask(plugin, entries)
            if found:
                yield self._take_in(plugin, facts, found, lambda: self._move(plugin, place, found[-1].id))  # noqa: B023

    def _entries(self, place: int) -> list[Entry]:
        """The next batch after a place, which the feature before has mostly just seen."""
        if place not in self._batch:
            self._batch = {place: self._event_log.after(place, BATCH)}
        return self._batch[place]

    def _retry(self, plugin: Plugin) -> int:
        """Gives a feature the events at which it raised before."""
        rows = self._failures.find(("failed_at", "event"), MAX_RETRIES, feature=plugin.name)
        if not rows:
            return 0
        facts, found = self._ask(plugin, self._event_log.entries(row["event"] for row in rows))
        return self._take_in(plugin, facts, found, lambda: self._forget_failures(plugin, found))

    def _place(self, plugin: Plugin) -> int | None:
        """How far the feature has come; a new one begins where its setting `since` says. None: nobody knows where."""
        row = self._places.find_one(name=plugin.name)
        if row:
            return int(row["place"])
        try:
            since = self._plugins.since(plugin)
        except BadSetting as error:
            self._plugins.blame(plugin, str(error))
            return None
        place = self._event_log.end if since is None else self._event_log.place_before(since)
        self._database.run(START, name=plugin.name, place=place)
        return int(self._places.find_one(name=plugin.name)["place"])  # type: ignore[index]

    def _ask(self, plugin: Plugin, entries: Sequence[Entry]) -> tuple[Facts, list[Derived]]:
        """What a feature makes of events, one after the other; of one that hangs, what it made before."""
        facts, made = Facts(self._database, self._clock()), list[Derived]()

        def ask_all(next_part: Callable[[], None]) -> None:
            with self._database.transaction():  # for reading: one view of the past, and settings that stay
                journal = self._journal.about_to_ask([entry.event for entry in entries])
                for entry in entries:
                    next_part()
                    made.append(self._ask_about(plugin, entry, journal, facts))

        watch = Watch(ask_all, f"feature {plugin.name}")
        try:
            watch.wait(HOOK_LIMIT, tick=HOOK_LIMIT / 20)  # a part that begins within a tick is given the rest of it
        except TookTooLong as error:
            self._hanging[plugin.name], so_far = watch, list(made)  # the hook may return any time, and its thread go on
            stuck = entries[min(len(so_far), len(entries) - 1)].event
            fault = f"on_{stuck.name} {told(error, plugin.package)} at the device's line {stuck.id}; it is suspended"
            self._plugins.blame(plugin, fault, error)
            return facts, so_far
        return facts, made

    def _ask_about(self, plugin: Plugin, entry: Entry, journal: Journal, facts: Facts) -> Derived:
        hook = f"on_{entry.event.name}"

        def ask() -> list[Made]:
            given = self._plugins.call(plugin, hook, event=entry.event, journal=journal, facts=facts)
            facts.note(one for one in checked(given) if isinstance(one, Item))
            return given

        given = self._plugins.guard(plugin, hook, ask) if hook in plugin.hooks else []
        return Derived(entry.id, error=plugin.error or "it failed") if given is None else Derived(entry.id, given)

    def _take_in(self, plugin: Plugin, facts: Facts, found: Sequence[Derived], mark: Callable[[], None]) -> int:
        """Commits facts and place together. Returns how many facts are news; 0 when the work was thrown away."""
        now, given = self._clock(), [given for one in found for given in one.given]
        try:
            with self._database.writing():
                mark()
                if not facts.still_hold():
                    raise Overtaken
                self._note_failures(plugin, found, now)
                note_remarks(self._database, plugin.name, [one for one in given if isinstance(one, Remark)], now)
                news = self._outbox.put([one for one in given if isinstance(one, Item)], plugin.name, now)
                self._outbox.propose(given, plugin.name, now)
                return news
        except Overtaken:
            log.debug("feature %s was overtaken", plugin.name)
            return 0

    def _move(self, plugin: Plugin, before: int, place: int) -> None:
        if self._database.run(MOVE, name=plugin.name, place=place, before=before) == 0:
            raise Overtaken

    def _forget_failures(self, plugin: Plugin, found: Sequence[Derived]) -> None:
        for one in found:
            if one.error is None and not self._failures.delete(event=one.id, feature=plugin.name):
                raise Overtaken

    def _note_failures(self, plugin: Plugin, found: Sequence[Derived], now: datetime) -> None:
        for one in found:
            if one.error is not None:
                row = {"event": one.id, "feature": plugin.name, "error": one.error, "failed_at": now.timestamp()}
                self._failures.upsert(row, ["event", "feature"])

    def remark(self, plugin: Plugin, one: Remark) -> bool:
        """Keeps a remark. Returns whether it is news."""
        with self._database.writing():
            is_news = self._database.table("remarks").find_one(key=f"{plugin.name}:{one.key}") is None
            note_remarks(self._database, plugin.name, [one], self._clock())
        return is_news


def comes_last(feature: Plugin) -> bool:
    """Whether one of its hooks is marked `trylast=True`: it sees what the others made of the same events."""
    return any(getattr(getattr(feature.module, hook), f"{PROJECT}_impl")["trylast"] for hook in feature.hooks)


def checked(given: Sequence[Any]) -> Sequence[Made]:
    """Raises TypeError for anything that a feature cannot make."""
    for one in given:
        if not isinstance(one, Made):
            raise TypeError(f"expected an Item, got {type(one).__name__}")
    return given
