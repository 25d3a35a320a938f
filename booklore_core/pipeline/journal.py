"""The append-only record of events, and the only memory that features have."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from booklore_core.events import BadLine, Event, parse_event
from booklore_core.items import BookRef, Item
from booklore_core.pipeline.books import book_ref, utc
from booklore_core.storage.database import Database

E = TypeVar("E", bound=Event)

STRETCHES_AROUND = 12
"""How many openings before and after an event `Journal.around` reaches by itself."""

INSERT = """
INSERT INTO events (device, event_id, name, at, ord, book_md5, tracked, line, received_at)
VALUES (:device, :event_id, :name, :at, :ord, :book_md5, :tracked, :line, :received_at)
ON CONFLICT (device, event_id) DO NOTHING RETURNING id
"""
SAME = "SELECT line FROM events WHERE device = :device AND event_id = :event_id"
BEFORE = """
SELECT ord FROM events WHERE device = :device AND ord <= :ord AND name IN ('book_open', 'resume')
    AND book_md5 IS NOT NULL AND tracked = 1 ORDER BY ord DESC LIMIT 1 OFFSET :steps
"""
AFTER = """
SELECT ord FROM events WHERE device = :device AND ord > :ord AND name IN ('book_open', 'resume')
    AND book_md5 IS NOT NULL AND tracked = 1 ORDER BY ord LIMIT 1 OFFSET :steps
"""
OPENINGS = """
SELECT event_id FROM events WHERE device = :device AND ord < :ord AND name IN ('book_open', 'resume')
    AND book_md5 IS NOT NULL AND tracked = 1 ORDER BY ord DESC LIMIT :count
"""
PLACES = "SELECT event_id, ord FROM events WHERE device = :device AND event_id IN :ids"
BETWEEN = """
SELECT line FROM events WHERE device = :device AND ord >= :low AND ord <= :high AND tracked = 1
    AND book_md5 IS NOT NULL ORDER BY ord
"""
LATEST = "SELECT line FROM events WHERE device = :device AND name = :name ORDER BY ord DESC LIMIT 1"
LATER = "SELECT 1 FROM events WHERE device = :device AND ord > :ord AND book_md5 IS NOT NULL LIMIT 1"
FACTS = """
SELECT i.kind, i.key, i.body, i.occurred_at, b.* FROM items i JOIN books b ON b.partial_md5 = i.book_md5
WHERE i.kind = :kind AND i.book_md5 = :book_md5 ORDER BY i.occurred_at DESC LIMIT 1000
"""
GIVEN = "(d.state IN ('delivered', 'discarded', 'unconfirmed') OR d.maybe_sent = 1 OR d.remote_id IS NOT NULL)"
"""SQL: whether a target may have an item, in whatever revision, or a person has cleared it."""

KNOWN = """
SELECT i.kind, i.key, i.body, i.occurred_at, b.*,
       (SELECT COUNT(*) FROM deliveries d WHERE d.item_id = i.id AND {given}) AS given
FROM items i JOIN books b ON b.partial_md5 = i.book_md5 WHERE i.kind = :kind AND i.key IN :ids
"""
RECEIVED = "SELECT received_at FROM events WHERE device = :device AND event_id = :event_id"
LAST = "\U0010ffff"


@dataclass(frozen=True)
class Fact:
    """An item that followed earlier. is_given: a target may have it, or a person has cleared it: it stays as it is."""

    item: Item
    is_given: bool


class Journal:
    """What happened on the devices, read in the order in which it happened, however late and mixed up it arrived.

    Books whose tracking was off at the time are not in it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, event: Event, line: dict[str, Any], tracked: bool, now: datetime) -> int | None:
        """Records an event. Returns its row number, or None when the very same line is recorded already.

        Raises BadLine when its id was used by another line: two devices, or one that was set up anew, share an id.
        """
        text = json.dumps(line, ensure_ascii=False, sort_keys=True)
        book = getattr(event, "book", None)
        row = self._database.value(
            INSERT,
            device=event.device,
            event_id=event.id,
            name=event.name,
            at=event.at.timestamp(),
            ord=event.order,
            book_md5=book.partial_md5 if book else None,
            tracked=int(tracked),
            line=text,
            received_at=now.timestamp(),
        )
        if row is None and self._database.value(SAME, device=event.device, event_id=event.id) != text:
            raise BadLine("id", f"{event.id!r} was used by another line of {event.device!r}", event.id)
        return None if row is None else int(row)

    def around(self, event: Event, stretches: int = STRETCHES_AROUND) -> Sequence[Event]:
        """The device's lines about books around event, in order: from `stretches` openings back, its own included,
        to as many on; of the stretch that begins with the last of those only the opening is there."""
        bounds = {"device": event.device, "ord": event.order, "steps": stretches - 1}
        low = self._database.value(BEFORE, **bounds) or ""
        high = self._database.value(AFTER, **bounds) or LAST
        rows = self._database.rows(BETWEEN, device=event.device, low=low, high=high)
        return [parse_event(json.loads(row["line"])) for row in rows]

    def openings(self, event: Event, count: int) -> list[str]:
        """The ids of the lines before event that began a stretch, at most count, the last one first."""
        rows = self._database.rows(OPENINGS, device=event.device, ord=event.order, count=count)
        return [row["event_id"] for row in rows]

    def places(self, device: str, ids: Iterable[str]) -> dict[str, str]:
        """Line id → where it stands among its device's lines; compares like `Event.order`."""
        rows = self._database.rows(PLACES, device=device, ids=list(ids))
        return {row["event_id"]: row["ord"] for row in rows}

    def latest(self, device: str, kind: type[E]) -> E | None:
        """The device's last event of one class."""
        line = self._database.value(LATEST, device=device, name=kind.name)
        found = parse_event(json.loads(line)) if line else None
        return found if isinstance(found, kind) else None

    def is_last(self, event: Event) -> bool:
        """Whether the device told nothing later about any book: False for a line that arrived late."""
        return self._database.value(LATER, device=event.device, ord=event.order) is None

    def received(self, event: Event) -> datetime:
        """When the core took an event in, by its own clock."""
        values = {"device": event.device, "event_id": event.id}
        seconds = self._database.value(RECEIVED, **values)
        return utc(seconds)

    def facts(self, kind: str, book: BookRef) -> Sequence[Item]:
        """The items of a kind that already followed for a book, newest first, at most 1,000."""
        rows = self._database.rows(FACTS, kind=kind, book_md5=book.partial_md5)
        return [item_of(row) for row in rows]

    def known(self, kind: str, keys: Iterable[str]) -> list[Fact]:
        """The items of a kind that already followed with these keys."""
        rows = self._database.rows(KNOWN.format(given=GIVEN), kind=kind, ids=list(keys))
        return [Fact(item_of(row), bool(row["given"])) for row in rows]


def item_of(row: dict[str, Any]) -> Item:
    """The item that a row of items, joined with its book, holds."""
    return Item(row["kind"], row["key"], book_ref(row), json.loads(row["body"]), utc(row["occurred_at"]))
