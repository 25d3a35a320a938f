"""Event → journal → features → outbox, one transaction per line."""

import hashlib
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.exc import DataError

from booklore_core.events import BadLine, Device, Event, Rating, decode_line, mended, parse_event
from booklore_core.items import Item, Remark
from booklore_core.line_fields import UNKNOWN
from booklore_core.pipeline.books import Books
from booklore_core.pipeline.journal import Journal
from booklore_core.pipeline.outbox import Outbox
from booklore_core.plugin_manager import Plugin, PluginManager
from booklore_core.storage.database import Database

log = logging.getLogger(__name__)

KEEP_ASIDE = """
INSERT INTO kept_aside (digest, source, line, field, reason, seen_at)
VALUES (:digest, :source, :line, :field, :reason, :now) ON CONFLICT (digest) DO NOTHING
"""
DEVICE = """
INSERT INTO devices (id, name, model, koreader, last_seen) VALUES (:id, :name, :model, :koreader, :now)
ON CONFLICT (id) DO UPDATE SET name = COALESCE(excluded.name, devices.name),
    model = COALESCE(excluded.model, devices.model), koreader = COALESCE(excluded.koreader, devices.koreader),
    last_seen = excluded.last_seen
"""
REMARK = """
INSERT INTO remarks (key, plugin, book_md5, remark, made_at) VALUES (:key, :plugin, :book_md5, :remark, :now)
ON CONFLICT (key) DO NOTHING
"""
TO_REPLAY = """
INSERT INTO replays (event, plugin, hook, error, failed_at) VALUES (:event, :plugin, :hook, :error, :now)
ON CONFLICT (event, plugin, hook) DO UPDATE SET error = excluded.error, failed_at = excluded.failed_at
"""
REPLAYS = """
SELECT r.event, r.plugin, r.hook, e.line FROM replays r JOIN events e ON e.id = r.event
WHERE r.plugin = :plugin ORDER BY r.failed_at, e.ord LIMIT 1000
"""
REPLAYED = "DELETE FROM replays WHERE event = :event AND plugin = :plugin AND hook = :hook"

PATIENCE = 10
"""So many events at which a feature fails again end its replay for now: a broken plugin must not slow down the rest."""

UNFIT = (ValueError, OverflowError, RecursionError, DataError)
"""What a line comes to that no database takes, for instance a number of 30 digits."""


@dataclass(frozen=True)
class Rejected:
    """A line that was kept aside. line: its number from 1 on. field, reason: what is wrong. id: if it could be read."""

    line: int
    field: str
    reason: str
    id: str | None = None

    @property
    def error(self) -> str:
        return f"{self.field}: {self.reason}"


@dataclass
class Taken:
    """What became of some lines. events: the new ones. news: how many facts followed."""

    events: list[Event] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    repeated: int = 0
    news: int = 0
    rejected: list[Rejected] = field(default_factory=list)


class Ingest:
    """Takes lines in. A line is durable when its call returns; the same line twice changes nothing."""

    def __init__(
        self, database: Database, journal: Journal, books: Books, outbox: Outbox, plugins: PluginManager
    ) -> None:
        self._database, self._journal, self._books = database, journal, books
        self._outbox, self._plugins = outbox, plugins

    def take(self, lines: Iterable[Any], source: str, now: datetime) -> Taken:
        """Takes lines, decoded or as text, one transaction each. source: where those kept aside came from."""
        self.replay(now)
        taken = Taken()
        for number, line in enumerate(lines, start=1):
            try:
                self._take_line(mended(decode_line(line) if isinstance(line, str) else line), taken, now)
            except BadLine as error:
                self._reject(number, line, source, error, taken, now)
            except UNFIT as error:
                unfit = BadLine("line", f"cannot be kept ({type(error).__name__})", id_of(line))
                self._reject(number, line, source, unfit, taken, now)
        return taken

    def _reject(self, number: int, line: Any, source: str, error: BadLine, taken: Taken, now: datetime) -> None:
        self.keep_aside(line, source, error, now)
        event_id = error.event_id if error.event_id and storable(error.event_id) == error.event_id else None
        taken.rejected.append(Rejected(number, error.field, error.reason, event_id))

    def _take_line(self, line: Any, taken: Taken, now: datetime) -> None:
        event = parse_event(line)
        with self._database.writing():
            tracked = self._see(event, now)
            row = self._journal.append(event, line, tracked, now)
            if row is not None and tracked:
                taken.news += self._derive(event, row, now)
        taken.acknowledged.append(event.id)
        if row is None:
            taken.repeated += 1
        else:
            taken.events.append(event)

    def _see(self, event: Event, now: datetime) -> bool:
        """Notes device and book. Returns whether the book is tracked."""
        known = (event.display, event.model, event.koreader) if isinstance(event, Device) else (None, None, None)
        name, model, koreader = known
        self._database.run(DEVICE, id=event.device, name=name, model=model, koreader=koreader, now=now.timestamp())
        book = getattr(event, "book", None)
        if book is None:
            return True
        self._books.see(book, event.device, now)
        return self._books.is_tracked(book.partial_md5)

    def _derive(self, event: Event, row: int, now: datetime) -> int:
        rating = self._rating(event, now)
        told = [event] if rating is None else [event, rating]
        return sum(self._ask(plugin, one, row, now) or 0 for one in told for plugin in self._features(one))

    def _features(self, event: Event) -> list[Plugin]:
        return [] if isinstance(event, Device) else self._plugins.with_hook(f"on_{event.name}")

    def _rating(self, event: Event, now: datetime) -> Rating | None:
        """The change of stars that a snapshot shows. KOReader fires no event for it (koreader-facts C).

        A device's clock may be ahead: nothing counts as later than now, or it would outdo all ratings to come.
        """
        book, reading = getattr(event, "book", None), getattr(event, "reading", None)
        if book is None or reading is None or reading.stars == UNKNOWN:
            return None
        changed, before = self._books.change_stars(book.partial_md5, reading.stars, min(event.at, now))
        return as_rating(event, before) if changed else None

    def _ask(self, plugin: Plugin, event: Event, row: int, now: datetime) -> int | None:
        """How many facts a feature derives; None when it raised: only its own are undone, the event waits for it."""
        news = self._plugins.guard(plugin, f"on_{event.name}", lambda: self._facts(plugin, event, now))
        if news is None:
            values = {"event": row, "plugin": plugin.name, "hook": f"on_{event.name}", "error": plugin.error or ""}
            self._database.run(TO_REPLAY, **values, now=now.timestamp())
        return news

    def _facts(self, plugin: Plugin, event: Event, now: datetime) -> int:
        with self._database.savepoint():
            given = self._plugins.call(plugin, f"on_{event.name}", event=event, journal=self._journal)
            return sum(self._put(thing, plugin, now) for thing in given)

    def _put(self, thing: Any, plugin: Plugin, now: datetime) -> int:
        if isinstance(thing, Remark):
            log.info("%s: %s", plugin.name, thing.text)
            values = {"key": f"{plugin.name}:{thing.key}", "plugin": plugin.name, "remark": thing.text}
            self._database.run(REMARK, **values, book_md5=thing.book.partial_md5, now=now.timestamp())
            return 0
        if not isinstance(thing, Item):
            raise TypeError(f"expected an Item, got {type(thing).__name__}")
        return int(self._outbox.put(thing, plugin.name, now))

    def replay(self, now: datetime) -> int:
        """Gives features the events at which they failed before. Returns how many they coped with now."""
        return sum(self._replay_at(plugin, now) for plugin in self._plugins.working)

    def _replay_at(self, plugin: Plugin, now: datetime) -> int:
        done = failed = 0
        for row in self._database.rows(REPLAYS, plugin=plugin.name):
            with self._database.writing():
                copes = self._replay_one(plugin, row, now)
            done, failed = done + copes, failed + (not copes)
            if failed == PATIENCE:
                break
        return done

    def _replay_one(self, plugin: Plugin, row: dict[str, Any], now: datetime) -> bool:
        """Whether the feature copes with the event now."""
        event = parse_event(json.loads(row["line"]))
        again = as_rating(event) if row["hook"] == "on_rating" else event
        self._database.run(REPLAYED, event=row["event"], plugin=plugin.name, hook=row["hook"])
        return again is None or self._ask(plugin, again, row["event"], now) is not None

    def keep_aside(self, line: Any, source: str, error: BadLine, now: datetime) -> None:
        text = storable(line)
        self._database.run(
            KEEP_ASIDE,
            digest=hashlib.sha256(text.encode()).hexdigest(),
            source=source,
            line=text,
            field=error.field,
            reason=error.reason,
            now=now.timestamp(),
        )


def as_rating(event: Event, before: int | None = None) -> Rating | None:
    """The stars that an event's snapshot shows, as an event of their own."""
    book, reading = getattr(event, "book", None), getattr(event, "reading", None)
    if book is None or reading is None or reading.stars == UNKNOWN:
        return None
    return Rating(id=event.id, device=event.device, at=event.at, book=book, stars=reading.stars, before=before)


def storable(line: Any) -> str:
    """A bad line as text that every database takes."""
    try:
        text = line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = repr(line)
    return text.replace("\0", "\\u0000").encode("utf-8", "backslashreplace").decode()


def id_of(line: Any) -> str | None:
    """The id of a decoded line, as far as it can be told to anybody."""
    given = line.get("id") if isinstance(line, dict) else None
    return given if isinstance(given, str) else None
