"""A session as the page events that a BookOrbit derives exactly that session from. Source: bookorbit contract 5.

What is sent twice in two ways is counted twice: the events that a session was sent as first are its events for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from booklore_core import BookUnmatched, Item, ItemRejected, Store, Superseded
from booklore_targets.bookorbit.orbit_connection import OrbitConnection
from booklore_targets.bookorbit.orbit_devices import OrbitDevices, as_device

PAGES, GAP, DAY = 10_000, 1800, 86_400
MOST_EVENTS, MOST_BOOKS, MOST_REMEMBERED = 500, 50, 1000
KEPT = "BookOrbit cannot change a session: it stays as it was first sent"

Event = dict[str, int]


def encoded(item: Item) -> str:
    """Start, end and length in seconds, where it began and ended in ten-thousandths: all that its events are made of.

    Raises ItemRejected for what is no session there.
    """
    body = item.body
    start, end = (int(datetime.fromisoformat(body[name]).timestamp()) for name in ("start", "end"))
    last = body.get("end_percent")
    first = body.get("start_percent")
    places = [round(PAGES * min(1.0, max(0.0, one or 0.0))) for one in (first if first is not None else last, last)]
    places[1] = places[0] if last is None else places[1]
    duration = max(1, min(int(body["duration"]), end - start))
    if start < 1 or end - start < 1 or end - start > 7 * DAY or duration > DAY:
        raise ItemRejected("BookOrbit takes no session that ends where it began, or that lasts for days")
    return " ".join(map(str, (start, end, duration, *places)))


def events_of(code: str) -> list[Event]:
    """All time but a second at the place where it began, and one where it ended; between them nothing that is longer
    than the half hour after which another session would begin."""
    start, end, duration, first, last = map(int, code.split())
    if duration < 2 or end - start < 2:
        return [event(last, start, duration)]
    at, events = start + duration - 1, [event(first, start, duration - 1)]
    while end - 1 - at > GAP:
        at += GAP
        events.append(event(first, at, 0))
    return [*events, event(last, end - 1, 1)]


def event(page: int, at: int, seconds: int) -> Event:
    return {"page": page, "startTime": at, "durationSeconds": seconds, "totalPages": PAGES}


class SessionEvents:
    """Sends sessions, each as it was sent first."""

    def __init__(self, store: Store, devices: OrbitDevices) -> None:
        self._store, self._devices = store, devices

    def send(self, connection: OrbitConnection, items: Sequence[Item], known: str | None = None) -> list[str]:
        """As what each was sent. known: as what the only one was sent before, if it was. Raises Declined."""
        if known and known != encoded(items[0]):
            raise Superseded(KEPT)
        codes = self._begin(items)
        by_device: dict[str, list[tuple[Item, str]]] = {}
        for item, code in zip(items, codes, strict=True):
            by_device.setdefault(str(item.body.get("device") or ""), []).append((item, code))
        for device, told in by_device.items():
            for part in parts(told):
                self._post(connection, device, part)
        if len(items) == 1 and codes[0] != encoded(items[0]):
            raise Superseded(KEPT)
        return codes

    def heal(self, connection: OrbitConnection, items: Sequence[Item]) -> int:
        """How many events of these were not there; they are now."""
        by_book = {one.book.partial_md5: self.codes_of(one.book.partial_md5) for one in items}
        by_device: dict[str, list[tuple[Item, str]]] = {}
        for item in items:
            code = by_book[item.book.partial_md5].get(item.key) or encoded(item)
            by_device.setdefault(str(item.body.get("device") or ""), []).append((item, code))
        told = ((device, part) for device, of in by_device.items() for part in parts(of))
        return sum(self._post(connection, device, part) for device, part in told)

    def codes_of(self, md5: str) -> dict[str, str]:
        """What the last sessions of a book were sent as, by key."""
        codes: dict[str, str] = self._store.get(f"sessions {md5}", {})
        return codes

    def _begin(self, items: Sequence[Item]) -> list[str]:
        """Writes down, before it is sent, as what: an attempt whose answer is lost is repeated word for word."""
        told: dict[str, dict[str, str]] = {}
        codes = []
        for item in items:
            md5 = item.book.partial_md5
            known = told.setdefault(md5, self.codes_of(md5))
            codes.append(known.setdefault(item.key, encoded(item)))
        for md5, known in told.items():
            last = dict(list(known.items())[-MOST_REMEMBERED:])
            self._store.set(f"sessions {md5}", last)
        return codes

    def _post(self, connection: OrbitConnection, device: str, told: Sequence[tuple[Item, str]]) -> int:
        """How many events were not there yet."""
        books: dict[str, list[Event]] = {}
        for item, code in told:
            books.setdefault(item.book.partial_md5, []).extend(events_of(code))
        listed = [{"hash": md5, "events": events} for md5, events in books.items()]
        about = as_device(self._devices.id_of(device), device)
        answer = connection.tell("page-stats", {**about, "books": listed})
        if answer.get("unmatched"):
            raise BookUnmatched("BookOrbit does not know the book (any more)")
        return sum(int(one["accepted"]) for one in answer["results"])


def parts(told: Iterable[tuple[Item, str]]) -> Iterable[list[tuple[Item, str]]]:
    """As many as go into one request each."""
    part: list[tuple[Item, str]] = []
    events, books = 0, set[str]()
    for one in told:
        count, md5 = len(events_of(one[1])), one[0].book.partial_md5
        if part and (events + count > MOST_EVENTS or len({*books, md5}) > MOST_BOOKS):
            yield part
            part, events, books = [], 0, set[str]()
        part.append(one)
        events += count
        books.add(md5)
    if part:
        yield part
