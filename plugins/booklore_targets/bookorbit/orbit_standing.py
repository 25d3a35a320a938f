"""Stars and reading status at a BookOrbit, which takes a change of what it holds only from a later day.

So what is there from ourselves is changed by the catalogue's routes, which ask nothing; what is there from somebody
else and is as new as ours stays. Source: bookorbit contract 9.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from booklore_core import BookUnmatched, Item, ItemFailed, Position, Store, Superseded
from booklore_targets.bookorbit.orbit_connection import PLUGIN, NotThere, OrbitConnection
from booklore_targets.bookorbit.orbit_devices import OrbitDevices, as_device
from booklore_targets.bookorbit.orbit_ways import led

LATE = timedelta(minutes=10)
"""So long after it was given up a request may still be carried out."""

STATUSES = {"reading": "reading", "complete": "read", "abandoned": "abandoned"}
ON_HOLD = STATUSES["abandoned"]
FOLLOWED = (None, "unread", "want_to_read", "reading", "rereading")
"""What a status is that follows from reading, not from a word of its reader's."""

FOLLOWING = {"reading": ("read", "rereading"), "read": ("rereading",)}
"""What a status becomes there by reading on."""

FOUND = "found"
"""How stars or a review came about whose age nobody knows: they take the place of none that is there."""

MOST_SENT = 20


class OrbitStanding:
    """Rates books and sets their status."""

    def __init__(self, store: Store, devices: OrbitDevices) -> None:
        self._store, self._devices = store, devices

    def rate(self, connection: OrbitConnection, item: Item, now: datetime) -> None:
        stars = stars_of(item)
        own = (stars, *self._sent(item), *map(stars_for, earlier_of(item)))
        if item.body.get("how") == FOUND and (there := self.looked(connection, item)["rating"]) not in (None, *own):
            raise Superseded(f"it is rated {there} there, which may have been given since")
        result = self._tell(connection, item, {"rating": stars}, stars, now)
        if not result["ratingApplied"]:
            there = result["rating"]
            if there not in own:
                raise Superseded(f"it is rated {there or 'not at all'} there, as late as here")
            self._set(connection, item, "rating", {"rating": stars})
        self._settle(item, stars, now)

    def set_status(self, connection: OrbitConnection, item: Item, now: datetime) -> None:
        status = item.body["status"]
        wanted = STATUSES[status]
        result = self._tell(connection, item, {"status": status}, wanted, now)
        if not result["statusApplied"]:
            there = self.book(connection, item)["readStatus"]
            if there not in (wanted, *FOLLOWED, *self._sent(item), *map(STATUSES.get, earlier_of(item))):
                raise Superseded(f"it is “{there}” there, as late as here")
            self._set(connection, item, "read-status", {"status": wanted})
        self._settle(item, wanted, now)

    def keep(self, connection: OrbitConnection, item: Item) -> None:
        """After a place was told, which takes a book that was put on hold for one that is read."""
        sent = self._store.get(f"status {item.book.partial_md5}", [])
        if sent and sent[0][0] == ON_HOLD and Position.of(item).is_laid_aside:
            self._set(connection, item, "read-status", {"status": ON_HOLD})

    def lacks_status(self, connection: OrbitConnection, item: Item) -> str:
        """Which other status is there; empty where it is that of the item, or what follows it."""
        there, wanted = self.book(connection, item)["readStatus"], STATUSES[item.body["status"]]
        is_there = there in (wanted, *FOLLOWING.get(wanted, ()))
        return "" if is_there else f"“{there or 'no status'}” there, “{wanted}” here"

    def looked(self, connection: OrbitConnection, item: Item) -> dict[str, Any]:
        """Stars and review that are there now."""
        return self._state(connection, item, {}, writes=False)

    def book(self, connection: OrbitConnection, item: Item) -> dict[str, Any]:
        """The catalogue's word on a book. Raises BookUnmatched."""
        try:
            return connection.ask("GET", f"{PLUGIN}/catalog/books/{item.book.match}")
        except NotThere as error:
            raise BookUnmatched("BookOrbit does not have the book any more") from error

    def _tell(
        self, connection: OrbitConnection, item: Item, told: dict[str, Any], value: Any, now: datetime
    ) -> dict[str, Any]:
        self._note(item, value, now)
        return self._state(connection, item, {**told, "statusModified": f"{item.occurred_at:%Y-%m-%d}"})

    def _state(
        self, connection: OrbitConnection, item: Item, told: dict[str, Any], writes: bool = True
    ) -> dict[str, Any]:
        device = str(item.body.get("device") or "")
        body = {**as_device(self._devices.id_of(device), device), "books": [{"hash": item.book.partial_md5, **told}]}
        answer = connection.tell("book-states", body, writes)
        if answer.get("unmatched"):
            raise BookUnmatched("BookOrbit does not know the book (any more)")
        result: dict[str, Any] = answer["results"][0]
        return result

    def _set(self, connection: OrbitConnection, item: Item, name: str, told: dict[str, Any]) -> None:
        """By the server's id, which is looked at once more: it says nothing of which book it is."""
        md5 = item.book.partial_md5
        if led(connection, [md5]).get(md5) != item.book.match:
            raise BookUnmatched(f"BookOrbit has another book as number {item.book.match} than before")
        try:
            connection.ask("PUT", f"{PLUGIN}/catalog/books/{item.book.match}/{name}", told, writes=True)
        except NotThere as error:
            raise BookUnmatched("BookOrbit does not have the book any more") from error

    def _sent(self, item: Item) -> list[Any]:
        return [value for value, _, _ in self._entries(item)]

    def _entries(self, item: Item) -> list[list[Any]]:
        """Value, when it was sent, and whether it may still arrive; the newest first."""
        entries: list[list[Any]] = self._store.get(self._key(item), [])
        return entries

    def _key(self, item: Item) -> str:
        return f"{item.kind} {item.book.partial_md5}"

    def _note(self, item: Item, value: Any, now: datetime) -> None:
        self._store.set(self._key(item), [[value, now.timestamp(), True], *self._entries(item)][:MOST_SENT])

    def _settle(self, item: Item, value: Any, now: datetime) -> None:
        """It is there. Raises ItemFailed while an earlier one, whose answer was lost, may still come after it."""
        entries = self._entries(item)
        since = (now - LATE).timestamp()
        entries[0][2] = False
        self._store.set(self._key(item), entries)
        if any(is_open and sent > since and other != value for other, sent, is_open in entries):
            raise ItemFailed("it is there, and sent again in ten minutes: an earlier one may still arrive", True)


def stars_of(item: Item) -> int | None:
    """None where they were taken away."""
    return None if item.is_tombstone else stars_for(item.body.get("rating"))


def stars_for(rating: Any) -> int | None:
    """One to five whole stars, halves upwards, for a rating from 1 to 10."""
    return min(5, max(1, math.floor(rating / 2 + 0.5))) if rating else None


def earlier_of(item: Item) -> Sequence[Any]:
    """What the device gave before: an earlier database may have brought it."""
    earlier: Sequence[Any] = item.body.get("earlier", ())
    return earlier
