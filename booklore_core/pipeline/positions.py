"""Whose position is newer: a target knows again what it pushed itself, and overwrites nothing that is newer.

Remotes keep one position a book, stamp it when they receive it, and take whatever comes last. So a target writes down
what it pushes before it does. A remote position equal to one of those is an echo, of the device that read there; any
other is somebody else's. Source: design §12 (*whose progress is newer*), server contract §4.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeGuard

from booklore_core.items import BookRef, Item, utc
from booklore_core.targets import Declined, ItemFailed, ItemRejected, RemotePosition, Superseded

if TYPE_CHECKING:
    from booklore_core.storage.store import Store

SAME = 1e-4
"""Percents that differ by no more are one place: remotes and readers round."""

LEAST, FINISHED, NEARLY_READ = 0.0025, 0.995, 0.95
"""Below the first remotes take a book as unread, from the second on as read; and one that is read stays so for who
looks at its last pages."""

MOST_PUSHED = 20
"""So many of its own positions a target remembers of a book."""

ECHO = timedelta(hours=1)
"""So long after its push an earlier position than the last one may still turn up: requests outlive their time-outs."""

LATE = timedelta(minutes=10)
"""So long after it was sent a request whose answer was lost may still be carried out (server contract §17)."""


NEEDED = ("percent", "position", "device", "device_id")
"""What the body of an item about a place tells even where it is none."""

LAST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
"""Of what a remote tells as its time in seconds; larger numbers are none."""


@dataclass(frozen=True)
class Position:
    """The body of an item that says where a reader is.

    percent: fraction 0–1. position: xpointer, or a page number as text. device, device_id: who read there, the first
    for people. seen: percent and position of the remote's that the reader knows and does not want to follow; seen_at:
    when that was said, unix seconds. is_opening: the book was just opened there; nobody knows when it was read to
    there. read_at: when it was last read there as far as was told, unix seconds. forced_from: see `RemotePosition`.
    is_laid_aside: who is here has finished the book or put it on hold, and does not read it again.
    """

    percent: float
    position: str | None
    device: str
    device_id: str
    seen: tuple[float, str | None] | None = None
    seen_at: float | None = None
    is_opening: bool = False
    read_at: float | None = None
    forced_from: float | None = None
    is_laid_aside: bool = False

    @classmethod
    def of(cls, item: Item) -> Position:
        return position_of(item.text)

    @property
    def is_at_start(self) -> bool:
        """Whether remotes would take the book as unread."""
        return self.percent < LEAST

    @property
    def floored(self) -> float:
        """percent with four decimals, as KOReader's own sync sends it; one that has no more stays as it is."""
        return math.floor(round(self.percent * 10_000, 6)) / 10_000

    def as_body(self) -> dict[str, Any]:
        """Only what says something, so that a place at which nothing has changed has an equal body."""
        told = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value for name, value in told.items() if name in NEEDED or not (value is None or value is False)}

    def knows(self, remote: RemotePosition) -> bool:
        """Whether the reader does not want to follow a remote's position: this one, or one that is further on and that
        was told when this one was there already. Else two of them would be asked about in turns for ever."""
        if self.seen is None or remote.percent is None:
            return False
        was_there = (remote.at.timestamp() if remote.at else 0.0) <= (self.seen_at or -1.0)
        is_seen = is_same_place(*self.seen, remote.percent, remote.position)
        return is_seen or (was_there and remote.percent <= self.seen[0])


@lru_cache(maxsize=1024)
def position_of(text: str) -> Position:
    """The same fact is looked at from all sides."""
    told = {name: value for name, value in json.loads(text).items() if name in Position.__dataclass_fields__}
    return Position(**{**told, "seen": tuple(told["seen"]) if told.get("seen") else None})


def is_same_place(one: float | None, at: str | None, other: float | None, other_at: str | None) -> bool:
    """Whether two percents and positions are one place. A position that one side does not tell decides nothing."""
    is_near = one is not None and other is not None and abs(one - other) <= SAME
    return is_near and (not at or not other_at or at == other_at)


class Pushed:
    """The positions that a target has pushed, or may have: of each book the last ones, in the target's store.

    remote: tells apart the remotes of a plugin that has several.
    """

    def __init__(self, store: Store, remote: str = "") -> None:
        self._store, self._start = store, f"pushed {remote} " if remote else "pushed "

    def bring(self, item: Item, told: RemotePosition | None, push: Callable[[], object], now: datetime) -> None:
        """Brings a target's remote to where the item is, if that is news there. told: where the remote says that its
        reader is, asked just before. push: sends it, and raises Declined. now: the core's time.

        Raises Superseded, ItemRejected for what is no percent, what push raises, and ItemFailed while an earlier push,
        whose answer was lost, may still come after this one: then the remote is looked at again in the next run.
        """
        percent = Position.of(item).percent
        if percent > 1:
            raise ItemRejected(f"no reader is at {percent:.0%}, and remotes would take the book as read")
        seen = told and self.recognise(item.book, told)
        if is_news(item, seen):
            self.note(item, now)
            try:
                push()
            except Declined as error:
                if not error.maybe_sent:
                    self._set(item.book, self._of(item.book)[1:])
                raise
        self._settle(item, seen, now)

    def note(self, item: Item, now: datetime) -> None:
        """Before the push, whose answer may be lost."""
        entry = {name: item.body.get(name) for name in (*NEEDED, "forced_from")}
        entry |= {"read_at": read_at(item).timestamp(), "pushed_at": now.timestamp()}
        entry |= {"partial_md5": item.book.partial_md5, "is_open": True}
        self._set(item.book, [entry, *self._of(item.book)][:MOST_PUSHED])

    def recognise(self, book: BookRef, remote: RemotePosition) -> RemotePosition:
        """remote, and where it is an echo who read there, in which file, and when.

        Nobody else's position is a device's of ours, whatever the remote says: Grimmory 3.4 stamps the web reader's
        with the device that asks (contract §16).
        """
        pushed = self._of(book)
        for number, entry in enumerate(pushed):
            may_be = number == 0 or remote.at is None or remote.at - utc(entry["pushed_at"]) <= ECHO
            if may_be and is_at(entry, remote):
                known = {name: entry.get(name) for name in ("device", "device_id", "partial_md5", "forced_from")}
                return replace(remote, at=utc(entry["read_at"]), **known)
        is_mistaken = remote.device_id in [entry["device_id"] for entry in pushed]
        return replace(remote, device=None if is_mistaken else remote.device, device_id=None)

    def _settle(self, item: Item, seen: RemotePosition | None, now: datetime) -> None:
        """What is there has arrived, the item and what was seen before it. Raises ItemFailed for what may yet come."""
        pushed, own = self._of(item.book), Position.of(item)
        arrived = [next((one for one in pushed if one["is_open"] and is_at(one, there)), None) for there in (own, seen)]
        for entry in filter(None, arrived):
            entry["is_open"] = False
        if any(arrived):
            self._set(item.book, pushed)
        sent = [utc(entry["pushed_at"]) for entry in pushed if entry["is_open"] and not is_at(entry, own)]
        late = [when + LATE for when in sent if abs(now - when) < LATE]
        if late:
            why = "as an earlier position, whose answer was lost, may still arrive"
            raise ItemFailed(f"it is there, and looked at again until {max(late).astimezone():%H:%M}, {why}", True)

    def _of(self, book: BookRef) -> list[dict[str, Any]]:
        """The newest first."""
        return list(self._store.get(self._key(book), ()))

    def _set(self, book: BookRef, pushed: list[dict[str, Any]]) -> None:
        self._store.set(self._key(book), pushed)

    def _key(self, book: BookRef) -> str:
        return self._start + (book.match or book.partial_md5)


def position_told(percent: Any, position: Any, at: Any, device: Any, device_id: Any) -> RemotePosition | None:
    """The position in an answer of KOReader's sync protocol, None where none is told. at: seconds since 1970.

    Remotes differ: the percent may be 0–100, the position a number or missing, the rest may be missing too.
    """
    if not is_number(percent) or not 0 <= percent <= 100:
        return None
    if is_number(position):
        position = str(int(position) if math.isfinite(position) else "")
    position, device, device_id = (one if isinstance(one, str) else None for one in (position, device, device_id))
    when = utc(at) if is_number(at) and 0 < at < LAST else None
    return RemotePosition(percent if percent <= 1 else percent / 100, position or None, device, when, device_id)


def is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_at(entry: Mapping[str, Any], there: Position | RemotePosition | None) -> bool:
    return there is not None and is_same_place(entry["percent"], entry["position"], there.percent, there.position)


def is_news(item: Item, remote: RemotePosition | None) -> bool:
    """Whether a remote has to be told where a reader is; remote: where its reader is now, as `Pushed` recognised it.

    False: it would change nothing, or only a book's read mark and finish date. Raises Superseded when the remote's is
    newer than the item, or further on and the reader of the item has not been asked about it yet. Where a rating has
    marked the book as read nobody is, and nobody is asked about it.
    """
    own = Position.of(item)
    if own.is_at_start:
        return False
    if remote is None or not remote.percent:
        return True
    if is_same_place(own.percent, own.position, remote.percent, remote.position):
        return False
    if remote.percent >= FINISHED and (own.percent >= NEARLY_READ or is_where_forced(own, remote)):
        return False
    where, is_own = f"{remote.device or 'another reader'} is at {remote.percent:.1%}", remote.device_id == own.device_id
    if own.is_opening and (remote.percent > own.percent or not is_own):
        raise Superseded(f"{where}, and here the book was only opened")
    if own.forced_from is not None or is_own or own.knows(remote):
        return True
    if remote.at and remote.at > read_at(item):
        raise Superseded(f"{where}, read later")
    if remote.percent > own.percent and remote.forced_from is None:
        raise Superseded(f"{where}, further on, and on {own.device} nobody has said yet to stay here")
    return True


def read_at(item: Item) -> datetime:
    """When somebody read to where an item says, as far as is known; the book may have been opened there since."""
    own = Position.of(item)
    return utc(own.read_at) if own.read_at and not own.is_opening else item.occurred_at


def is_where_forced(own: Position, remote: RemotePosition) -> bool:
    """Whether nobody has read on since a rating marked the book as read."""
    return remote.forced_from is not None and abs(own.percent - remote.forced_from) <= SAME
