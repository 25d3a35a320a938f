"""What happened, as features look back at it: each device's lines in their order, and those of a book."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from math import inf
from typing import Any, TypeVar

from booklore_core.events import BookClose, Event, book_of
from booklore_core.items import utc
from booklore_core.pipeline.spool import parse_event
from booklore_core.pipeline.window import (
    AFTER,
    AT_ONCE,
    BEFORE,
    LAST,
    NOWHERE,
    OF_READING,
    OPENED_NEAR,
    OPENS,
    UP_TO,
    Window,
    came_in_together,
)
from booklore_core.storage.database import Database

E = TypeVar("E", bound=Event)

MANY = 2
"""So many events are worth reading what lies around them at once."""

PLACES = "SELECT event_id, ord FROM events WHERE device = :device AND event_id IN :ids"
LIST_AT = """
SELECT e.line, a.list FROM annotation_lists a JOIN events e ON e.id = a.event
WHERE a.device = :device AND a.book_md5 = :md5 AND e.ord <= :ord ORDER BY e.ord DESC LIMIT 1
"""
BETWEEN = f"""
SELECT line FROM events WHERE device = :device AND ord >= :low AND ord <= :high AND tracked = 1 AND {OF_READING}
ORDER BY ord
"""
NEXT = f"""
SELECT 1 FROM events WHERE device = :device AND ord > :ord AND tracked = 1 AND {OF_READING} ORDER BY ord LIMIT 1
"""
LINES_UP_TO = f"""
SELECT id, ord, received_at FROM events WHERE device = :device AND ord <= :ord AND tracked = 1 AND {OF_READING}
ORDER BY ord DESC LIMIT :count
"""
FOLLOWED = "SELECT 1 FROM events WHERE device = :device AND book_md5 = :md5 AND ord > :ord AND name IN :ids LIMIT 1"
OPEN = f"""
SELECT device, at, name, {OPENS} AS opens, CASE WHEN line LIKE '%"told_at"%' THEN line END AS line,
    EXISTS (SELECT 1 FROM events l WHERE l.device = e.device AND l.ord > e.ord AND {OPENS}) AS is_past
FROM events e WHERE book_md5 = :md5 AND {OF_READING} ORDER BY device, ord
"""
LATEST = "SELECT line FROM events WHERE device = :device AND name = :name AND tracked = 1 ORDER BY ord DESC LIMIT 1"
ABOUT = "SELECT line FROM events WHERE book_md5 = :md5 AND tracked = 1 ORDER BY device, ord"
RECEIVED = "SELECT received_at FROM events WHERE device = :device AND event_id = :event_id"


class Journal:
    """What happened on the devices. Books whose tracking was off at the time are not in what it tells."""

    def __init__(self, database: Database, asked: Iterable[Event] = ()) -> None:
        """asked: what will be asked about, within one reading transaction: what lies around it is read once."""
        self._database, self._asked = database, defaultdict[str, list[Event]](list)
        self._windows, self._latest = dict[str, Window](), dict[tuple[str, str], Event | None]()
        for event in asked:
            self._asked[event.device].append(event)

    def about_to_ask(self, events: Sequence[Event]) -> "Journal":
        """The same for as long as a reading transaction lasts, quicker about many events."""
        return Journal(self._database, events) if len(events) >= MANY else self

    def annotations(self, event: BookClose) -> BookClose | None:
        """The event whose list stands at event: itself, or the last one before it: lists are told when they differ."""
        if event.annotations is not None:
            return event
        row = self._database.row(LIST_AT, device=event.device, md5=event.book.partial_md5, ord=event.order)
        return event_of(row) if row else None  # type: ignore[return-value]

    def around(self, event: Event, stretches: int, since: str | None = None) -> Sequence[Event]:
        """The device's lines of reading around event, in their order, without annotations: from `stretches` openings
        back, its own included, to as many on; of the stretch that begins with the last of those only the opening.
        since: the place among the lines from which it is counted back, event's own by default."""
        back, on = self._opened(UP_TO, event, stretches, since), self._opened(AFTER, event, stretches)
        low = back[-1]["ord"] if len(back) == stretches else ""
        high = on[-1]["ord"] if len(on) == stretches else LAST
        rows = self._window(event.device).between(low, high)
        if rows is None:
            rows = self._database.rows(BETWEEN, device=event.device, low=low, high=high)
        return [event_of(row) for row in rows]

    def about(self, md5: str) -> list[Event]:
        """All that was told of a book while it was tracked, each device's in its order, without annotations."""
        return [event_of(row) for row in self._database.rows(ABOUT, md5=md5)]

    def opening(self, event: Event) -> Event | None:
        """The line with which the stretch of event began, itself where it is one."""
        found = self._opened(UP_TO, event, 1)
        return event_of(found[0]) if found else None

    def openings(self, event: Event, count: int) -> list[str]:
        """The ids of the lines before event that began a stretch, at most count, the last one first."""
        return [row["event_id"] for row in self._opened(BEFORE, event, count)]

    def _opened(self, side: str, event: Event, count: int, place: str | None = None) -> Sequence[dict[str, Any]]:
        """The lines on one side of event, or of a place, that began a stretch, at most count, the nearest one first."""
        place = place or event.order
        found = self._window(event.device).opened(side, place, count)
        about = {"device": event.device, "ord": place, "count": count}
        return self._database.rows(OPENED_NEAR.format(side=side), **about) if found is None else found

    def _window(self, device: str) -> Window:
        if device not in self._windows and device in self._asked:
            self._windows[device] = Window.read(self._database, self._asked[device])
        return self._windows.get(device, NOWHERE)

    def places(self, device: str, ids: Iterable[str]) -> dict[str, str]:
        """Line id → where it stands among its device's lines; compares like `Event.order`."""
        wanted = list(ids)
        found = self._window(device).places(wanted)
        rows = self._database.rows(PLACES, device=device, ids=wanted) if found is None else ()
        return found or {row["event_id"]: row["ord"] for row in rows}

    def latest(self, device: str, kind: type[E]) -> E | None:
        """The device's last event of one class."""
        if (device, kind.name) in self._latest:
            return self._latest[device, kind.name]  # type: ignore[return-value]
        row = self._database.row(LATEST, device=device, name=kind.name)
        found = event_of(row) if row else None
        if self._asked:
            self._latest[device, kind.name] = found
        return found  # type: ignore[return-value]

    def spans(self, md5: str) -> list[tuple[float, float]]:
        """When a book was open, tracked or not, unix seconds: from each opening to the last line of the stretch, by the
        device's own clock, too, where that was wrong. It is for ever where the device has told of no end, nor of
        another opening since: that reading is still to come."""
        stretches: list[tuple[dict[str, Any], dict[str, Any]]] = []
        for line in self._database.rows(OPEN, md5=md5):
            first, last = stretches[-1] if stretches else (line, {})
            if line["opens"]:
                stretches.append((line, line))
            elif last.get("device") == line["device"] and last["name"] != BookClose.name:
                stretches[-1] = first, line
        spans = [span for first, last in stretches for span in zip(clocks(first), clocks(last), strict=True)]
        open_ends = (last for _, last in stretches if last["name"] != BookClose.name and not last["is_past"])
        return spans + [(min(clocks(last)), inf) for last in open_ends]

    def is_last(self, event: Event) -> bool:
        """Whether the device told nothing later about any book: False for a line that arrived late."""
        found = self._window(event.device).is_last(event)
        return self._database.value(NEXT, device=event.device, ord=event.order) is None if found is None else found

    def goes_on(self, event: Event) -> bool:
        """Whether the device's next line came in with this one, and its consumer is asked about that one after this: it
        finds all of this there. What came in together began at `begun_with`."""
        return self._window(event.device).goes_on(event)

    def begun_with(self, event: Event) -> str:
        """The place among its device's lines of the first one that came in with event, each next to the one before."""
        if found := self._window(event.device).begun_with(event):
            return found
        first = event.order
        for count in (2, AT_ONCE + 1):  # most lines come alone
            rows = self._database.rows(LINES_UP_TO, device=event.device, ord=event.order, count=count)
            for line, before in pairwise(rows):
                if not came_in_together(before, line):
                    return str(line["ord"])
            first = rows[-1]["ord"] if rows else first
        return first

    def is_followed(self, event: Event, by: Iterable[type[Event]]) -> bool:
        """Whether the device told of one of these later about the same book, whenever the line came in."""
        about = {"device": event.device, "md5": getattr(book_of(event), "partial_md5", None), "ord": event.order}
        return self._database.value(FOLLOWED, ids=[one.name for one in by], **about) is not None

    def received(self, event: Event) -> datetime:
        """When the core took an event in, by its own clock."""
        at = self._window(event.device).received(event)
        return utc(at or self._database.value(RECEIVED, device=event.device, event_id=event.id))


def event_of(row: dict[str, Any]) -> Event:
    if row.get("list"):
        return parse_event({**json.loads(row["line"]), "annotations": json.loads(row["list"])})
    return event_of_line(row["line"])


@lru_cache(maxsize=1024)
def event_of_line(line: str) -> Event:
    """Features look at the same lines again and again; an event is never changed."""
    return parse_event(json.loads(line))


def clocks(line: dict[str, Any]) -> tuple[float, float]:
    """When a line was written, unix seconds: as is known now, and as its device had it."""
    told = json.loads(line["line"])["told_at"] if line["line"] else None
    return line["at"], datetime.fromisoformat(told).timestamp() if told else line["at"]
