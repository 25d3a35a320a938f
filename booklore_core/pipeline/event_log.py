"""The log of events, in the order in which they arrived; features are its consumers."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from booklore_core.events import Event
from booklore_core.pipeline.boots import SLACK, Stamp
from booklore_core.pipeline.clock import EARLIEST, KNOWN
from booklore_core.pipeline.journal import event_of
from booklore_core.pipeline.spool import Line, canonical
from booklore_core.storage.database import Database

WITNESSES, BATCH_OF_WITNESSES = 20, 5000
"""How many lines before and after others, and between them, are asked when those were written."""

SAME = "SELECT event_id, digest, line FROM events WHERE device = :device AND event_id IN :ids"
APPEND = """
INSERT INTO events (device, event_id, name, at, ord, book_md5, tracked, line, digest, received_at)
VALUES (:device, :event_id, :name, :at, :ord, :book_md5, :tracked, :line, :digest, :received_at)
"""
KEEP_LIST = """
INSERT INTO annotation_lists (event, device, book_md5, list)
SELECT id, device, book_md5, :list FROM events WHERE device = :device AND event_id = :event_id
"""
DROP_LISTS = """
DELETE FROM annotation_lists WHERE event <= :consumed AND event NOT IN (SELECT event FROM failures)
    AND EXISTS (SELECT 1 FROM annotation_lists later JOIN events l ON l.id = later.event
        WHERE later.device = annotation_lists.device AND later.book_md5 = annotation_lists.book_md5
        AND l.ord > (SELECT e.ord FROM events e WHERE e.id = annotation_lists.event))
"""
STAMP = "SELECT ord, at, line FROM events WHERE device = :device AND at >= :earliest AND at <= received_at + :slack"
NEAR = f"""
SELECT * FROM ({STAMP} AND ord < :first ORDER BY ord DESC LIMIT :around) a
UNION ALL SELECT * FROM ({STAMP} AND ord >= :first AND ord <= :last ORDER BY ord LIMIT :between) b
UNION ALL SELECT * FROM ({STAMP} AND ord > :last ORDER BY ord LIMIT :around) c
"""
ENTRIES = """
SELECT e.id, e.line, a.list FROM events e LEFT JOIN annotation_lists a ON a.event = e.id
WHERE e.tracked = 1 AND {which} ORDER BY e.id LIMIT :limit
"""
FIRST_SINCE = "SELECT MIN(id) FROM events WHERE at >= :since"

COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Entry:
    """An event of the journal and its row number, by which consumers tell how far they have come."""

    id: int
    event: Event


@dataclass(frozen=True)
class Told:
    """A line to be appended: its event, the line as it is kept, whether its book is tracked. digest: of all it told."""

    event: Event
    line: dict[str, Any]
    tracked: bool
    digest: str

    @property
    def list(self) -> str | None:
        """The book's annotations, kept apart from the line; of a book that is not tracked nobody keeps them."""
        given = self.line.get("annotations")
        return None if given is None or not self.tracked else COMPACT.encode(given)

    @property
    def kept(self) -> str:
        """The line as the journal keeps it: of a book that is not tracked it is no more than that it was opened."""
        dropped = ("annotations",) if self.tracked else ("annotations", "reading")
        kept = {name: value for name, value in self.line.items() if name not in dropped}
        return COMPACT.encode(kept if self.tracked or "reading" not in self.line else {**kept, "reading": {}})


class EventLog:
    """Every event that was taken in, once. Whoever reads it tells how far he has come by the events' row numbers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, device: str, lines: Iterable[Line]) -> dict[str, bool]:
        """Id → whether it is the very same line, of those whose ids the device has used already."""
        by_id = {line.event.id: line for line in lines}
        rows = self._database.rows(SAME, device=device, ids=list(by_id))
        return {row["event_id"]: is_same(row, by_id[row["event_id"]]) for row in rows}

    def append(self, told: Sequence[Told], now: datetime) -> None:
        """Records events, in this order. None of their ids may be taken. Within a writing transaction."""
        self._database.run_many(APPEND, [event_row(one, now) for one in told])
        lists = [{"device": one.event.device, "event_id": one.event.id, "list": one.list} for one in told if one.list]
        self._database.run_many(KEEP_LIST, lists)

    def after(self, place: int, limit: int) -> list[Entry]:
        """What arrived after a place, at most so much of it."""
        return self._entries("e.id > :place", place=place, limit=limit)

    def entries(self, ids: Iterable[int]) -> list[Entry]:
        wanted = list(ids)
        return self._entries("e.id IN :ids", ids=wanted, limit=len(wanted))

    def _entries(self, which: str, **values: Any) -> list[Entry]:
        return [Entry(row["id"], event_of(row)) for row in self._database.rows(ENTRIES.format(which=which), **values)]

    @property
    def end(self) -> int:
        """The place after everything that has arrived."""
        return int(self._database.value("SELECT MAX(id) FROM events") or 0)

    def place_before(self, since: datetime) -> int:
        """The place from which everything that happened at or after since is still to come."""
        first = self._database.value(FIRST_SINCE, since=since.timestamp())
        return self.end if first is None else int(first) - 1

    def drop_lists(self, consumed: int) -> None:
        """Of each book's annotation lists on a device the last one stays, and those that a feature has yet to see."""
        self._database.run(DROP_LISTS, consumed=consumed)

    def near(self, device: str, first: str, last: str) -> list[Stamp]:
        """When the lines of a device were written that stand around and between two places, in their order; which boot
        wrote them is told of those that were set right. Not those that an older version took although they were not
        written yet, or before there was anything to write them."""
        limits = {"earliest": EARLIEST, "slack": SLACK, "around": WITNESSES, "between": BATCH_OF_WITNESSES}
        rows = self._database.rows(NEAR, device=device, first=first, last=last, **limits)
        told = [(row, json.loads(row["line"]) if '"told_at"' in row["line"] else {}) for row in rows]
        stamps = [Stamp(row["ord"], row["at"], line.get("up"), line.get("boot"), KNOWN) for row, line in told]
        return sorted(stamps, key=lambda one: one.order)


def is_same(row: dict[str, Any], line: Line) -> bool:
    """Lines of an older version have no digest; nothing was taken out of them."""
    return bool(row["digest"] == line.digest if row["digest"] else row["line"] == canonical(line.told))


def event_row(told: Told, now: datetime) -> dict[str, Any]:
    event, book = told.event, getattr(told.event, "book", None)
    names = {"device": event.device, "event_id": event.id, "name": event.name, "ord": event.order}
    line = {"line": told.kept, "digest": told.digest, "tracked": int(told.tracked), "received_at": now.timestamp()}
    return {**names, **line, "at": event.at.timestamp(), "book_md5": book.partial_md5 if book else None}
