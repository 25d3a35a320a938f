"""A device's lines of reading around some of its events, read at once: one by one each answer costs a query."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Any

from booklore_core.events import OPENINGS, READING, SIDECAR_MARK, Event
from booklore_core.storage.database import Database

LAST = "\U0010ffff"
"""After all places among a device's lines."""

WIDTH, MOST = 32, 5000
"""How many openings before and after the events, and how many lines at most, a window holds."""

OF_READING = "book_md5 IS NOT NULL AND event_id NOT LIKE '%{}%' AND name IN ({})".format(
    SIDECAR_MARK, ", ".join(f"'{cls.name}'" for cls in READING)
)
OPENS = "book_md5 IS NOT NULL AND name IN ({})".format(", ".join(f"'{cls.name}'" for cls in OPENINGS))
OPENED_NEAR = f"""
SELECT event_id, ord FROM events WHERE device = :device AND tracked = 1 AND {OPENS} AND {{side}} LIMIT :count
"""
UP_TO, BEFORE, AFTER = "ord <= :ord ORDER BY ord DESC", "ord < :ord ORDER BY ord DESC", "ord > :ord ORDER BY ord"
LINES = f"""
SELECT id, event_id, ord, received_at, line, CASE WHEN {OPENS} THEN 1 ELSE 0 END AS opens FROM events
WHERE device = :device AND ord >= :low AND ord <= :high AND tracked = 1 AND {OF_READING} ORDER BY ord LIMIT :most
"""
OPENING, LATER, EARLIER = "opening", "later", "earlier"

Row = dict[str, Any]

class Window:
    """What the journal holds of one device's reading from a place low to another, high, both included. None is the
    answer to what reaches beyond."""

    def __init__(self, lines: Sequence[Row] = (), low: str = LAST, high: str = "") -> None:
        self._lines, self._low, self._high = lines, low, high
        self._orders = [row["ord"] for row in lines]
        self._by_id = {row["event_id"]: row for row in lines}
        self._openings = [row for row in lines if row["opens"]]
        self._opened = [row["ord"] for row in self._openings]

    @classmethod
    def read(cls, database: Database, events: Sequence[Event]) -> "Window":
        """What lies around events of one device. Within a reading transaction."""
        about, orders = {"device": events[0].device}, [event.order for event in events]
        back = database.rows(OPENED_NEAR.format(side=UP_TO), ord=min(orders), count=WIDTH, **about)
        on = database.rows(OPENED_NEAR.format(side=AFTER), ord=max(orders), count=WIDTH, **about)
        low = back[-1]["ord"] if len(back) == WIDTH else ""
        high = on[-1]["ord"] if len(on) == WIDTH else LAST
        lines = database.rows(LINES, low=low, high=high, most=MOST, **about)
        return cls(lines, low, high if len(lines) < MOST else lines[-1]["ord"])

    def opened(self, side: str, order: str, count: int) -> Sequence[Row] | None:
        """The openings on one side of a place, at most count, the nearest one first."""
        if side == AFTER:
            first = bisect_right(self._opened, order)
            found = self._openings[first : first + count]
            is_whole = self._low <= order and (len(found) == count or self._high == LAST)
        else:
            end = (bisect_right if side == UP_TO else bisect_left)(self._opened, order)
            found = self._openings[max(0, end - count) : end][::-1]
            is_whole = order <= self._high and (len(found) == count or not self._low)
        return found if is_whole else None

    def between(self, low: str, high: str) -> Sequence[Row] | None:
        """The lines from one place to another, both included."""
        if low < self._low or high > self._high:
            return None
        return self._lines[bisect_left(self._orders, low) : bisect_right(self._orders, high)]

    def next(self, event: Event) -> str | None:
        """Of the line after event whether it is an opening, and else when it came in."""
        index, own = bisect_right(self._orders, event.order), self._by_id.get(event.id)
        if own is None or index == len(self._lines):
            return None
        following = self._lines[index]
        return OPENING if following["opens"] else LATER if following["id"] > own["id"] else EARLIER

    def received(self, event: Event) -> float | None:
        """When event came in, unix seconds."""
        return self._by_id[event.id]["received_at"] if event.id in self._by_id else None

    def places(self, ids: Iterable[str]) -> dict[str, str] | None:
        """Line id → its place."""
        wanted = list(ids)
        return {one: self._by_id[one]["ord"] for one in wanted} if self._by_id.keys() >= set(wanted) else None


NOWHERE = Window()
