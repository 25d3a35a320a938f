"""Where a reader is at a BookOrbit, which takes what comes last and is asked before. Source: bookorbit contract 6."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from booklore_core import (
    NEARLY_READ,
    BookRef,
    BookUnmatched,
    Item,
    Position,
    Pushed,
    RemotePosition,
    Store,
    Superseded,
    is_same_place,
    position_told,
)
from booklore_targets.bookorbit.orbit_connection import API, NotThere, OrbitConnection
from booklore_targets.bookorbit.orbit_devices import OrbitDevices, as_device
from booklore_targets.bookorbit.orbit_marks import spelled

FIELDS = ("percentage", "progress", "timestamp", "device", "device_id")
WEB, CHAPTER = "bookorbit-web", re.compile(r"/body/DocFragment(\[\d+])?/body")
"""The reader in a browser tells no more than the chapter."""

FALL = 0.1
"""By so much a place has to lie further back for a book that is read to count as read again."""

PLACES = f"{API}/koreader/syncs/progress"


class OrbitPlaces:
    """Asks and tells where the reader of a book is."""

    def __init__(self, store: Store, devices: OrbitDevices) -> None:
        self._pushed, self._devices = Pushed(store), devices
        self._swept: set[str] = set()

    def bring(self, connection: OrbitConnection, item: Item, now: datetime) -> None:
        """A book that its reader has laid aside would be read anew there by a place that lies further back."""
        told, there = self.told(item), self.look(connection, item.book)
        own = Position.of(told)
        if own.is_laid_aside and there and (there.percent or 0) - own.percent >= FALL:
            raise Superseded("the book was finished or put on hold, and is not read again")
        self._pushed.bring(told, there, lambda: self._put(connection, told, there), now)

    def where(self, connection: OrbitConnection, book: BookRef) -> RemotePosition | None:
        remote = self.look(connection, book)
        return remote and self._pushed.recognise(book, remote)

    def look(self, connection: OrbitConnection, book: BookRef) -> RemotePosition | None:
        """A browser's place is no more than a chapter. A book's first place, of whatever device, is told as a
        browser's, too, and as late as it came in: when it was read nobody knows."""
        answer = connection.ask("GET", f"{PLACES}/{book.partial_md5}")
        place = answer.get("progress")
        if answer.get("device_id") == WEB and isinstance(place, str) and place:
            answer = {**answer, "progress" if CHAPTER.fullmatch(place) else "timestamp": None}
        return position_told(*map(answer.get, FIELDS))

    def lacks(self, connection: OrbitConnection, item: Item) -> str:
        """What is there instead of an item that was told last; empty where it is, or where somebody else has read."""
        own, there = Position.of(item), self.look(connection, item.book)
        if own.is_at_start:
            return ""
        if there is None or not there.percent:
            return "no place is there"
        seen, at = self._pushed.recognise(item.book, there), spelled(own.position)
        is_there = is_same_place(own.percent, at, there.percent, there.position)
        if is_there or min(own.percent, there.percent) >= NEARLY_READ:
            return ""
        is_less = seen.device_id == own.device_id or (seen.device_id and there.percent < own.percent)
        is_of_before = is_less and seen.at and seen.at < item.occurred_at
        return f"{there.percent:.1%} there, {own.percent:.1%} here" if is_of_before else ""

    def told(self, item: Item) -> Item:
        """As it will stand there, so that it is known again."""
        body = {**item.body, "position": spelled(item.body.get("position"))}
        return Item(item.kind, item.key, item.book, body, item.occurred_at)

    def close(self) -> None:
        self._swept.clear()

    def _put(self, connection: OrbitConnection, item: Item, there: RemotePosition | None) -> None:
        """A place that is not told would erase the one that is there."""
        own = Position.of(item)
        device_id = self._devices.id_of(own.device_id or own.device)
        self._announce(connection, device_id, own.device)
        body: dict[str, Any] = {"document": item.book.partial_md5, "percentage": own.floored}
        body |= {"device": own.device[:100] or "KOReader", "device_id": device_id}
        body["timestamp"] = int(item.occurred_at.timestamp())
        if place := own.position or (there and there.position):
            body["progress"] = place
        try:
            connection.ask("PUT", PLACES, body, writes=True)
        except NotThere as error:
            raise BookUnmatched("BookOrbit does not know the book (any more)") from error

    def _announce(self, connection: OrbitConnection, device_id: str, name: str) -> None:
        """Of a device that never did this, newer servers make a session of each step that it goes on (contract 16)."""
        if device_id not in self._swept:
            counts = dict.fromkeys(("booksMatched", "pageStatsUploaded", "annotationsUpserted"), 0)
            connection.tell("sweeps", {**as_device(device_id, name), **counts}, writes=False)
            self._swept.add(device_id)
