"""A device's lines of reading around some of its events, read at once: one by one each answer costs a query."""

from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable, Sequence
from typing import Any

from booklore_core.events import OPENINGS, READING, SIDECAR_MARK, Event
from booklore_core.storage.database import Database

LAST = "\U0010ffff"
"""After all places among a device's lines."""

WIDTH, MOST = 8, 5000
"""How many openings before and after the events, and how many lines at most, a window holds."""

OF_READING = "book_md5 IS NOT NULL AND event_id NOT LIKE '%{}%' AND name IN ({})".format(
    SIDECAR_MARK, ", ".join(f"'{cls.name}'" for cls in READING)
)
OPENS = "book_md5 IS NOT NULL AND name IN ({})".format(", ".join(f"'{cls.name}'" for cls in OPENINGS))
OPENED_NEAR = f"""
SELECT event_id, ord, line FROM events WHERE device = :device AND tracked = 1 AND {OPENS} AND {{side}} LIMIT :count
"""
UP_TO, BEFORE, AFTER = "ord <= :ord ORDER BY ord DESC", "ord < :ord ORDER BY ord DESC", "ord > :ord ORDER BY ord"
LINES = f"""
SELECT id, event_id, ord, received_at, line, CASE WHEN {OPENS} THEN 1 ELSE 0 END AS opens FROM events
WHERE device = :device AND ord >= :low AND ord <= :high AND tracked = 1 AND {OF_READING} ORDER BY ord LIMIT :most
"""
AT_ONCE = 256
"""Lines that came in together count as such in parts of so many at most."""

Row = dict[str, Any]


class Window:
    """What the journal holds of one device's reading from a place low to another, high, both included. None is the
    answer to what reaches beyond."""

    def __init__(self, lines: Sequence[Row] = (), low: str = LAST, high: str = "", asked: Container[str] = ()) -> None:
        """asked: the ids of the lines that consumers are asked about."""
        self._lines, self._low, self._high, self._asked = lines, low, high, asked
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
        return cls(lines, low, high if len(lines) < MOST else lines[-1]["ord"], {event.id for event in events})

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

    def is_last(self, event: Event) -> bool | None:
        """Whether no line follows event."""
        if not self._low <= event.order <= self._high:
            return None
        is_followed = bisect_right(self._orders, event.order) < len(self._orders)
        return not is_followed if is_followed or self._high == LAST else None

    def goes_on(self, event: Event) -> bool:
        """Whether the line after event came in with it, and is asked about after it."""
        index, own = bisect_right(self._orders, event.order), self._by_id.get(event.id)
        if own is None or index == len(self._lines):
            return False
        following = self._lines[index]
        return following["event_id"] in self._asked and came_in_together(own, following)

    def begun_with(self, event: Event) -> str | None:
        """The place of the first of the lines that came in with event, each next to the one before."""
        index = bisect_right(self._orders, event.order) - 1
        if event.id not in self._by_id:
            return None
        while index and came_in_together(self._lines[index - 1], self._lines[index]):
            index -= 1
        return str(self._orders[index]) if index or not self._low else None

    def received(self, event: Event) -> float | None:
        """When event came in, unix seconds."""
        return self._by_id[event.id]["received_at"] if event.id in self._by_id else None

    def places(self, ids: Iterable[str]) -> dict[str, str] | None:
        """Line id → its place."""
        wanted = list(ids)
        return {one: self._by_id[one]["ord"] for one in wanted} if self._by_id.keys() >= set(wanted) else None


NOWHERE = Window()


def came_in_together(line: Row, following: Row) -> bool:
    """Whether two lines, one after the other, came in with one call, the first one first."""
    is_at_once = line["received_at"] == following["received_at"] and line["id"] // AT_ONCE == following["id"] // AT_ONCE
    return bool(is_at_once and line["id"] < following["id"])
