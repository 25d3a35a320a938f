"""Whose position is newer: a target knows again what it pushed itself, and overwrites nothing that is newer.

Remotes keep one position a book, stamp it when they receive it, and take whatever comes last. So a target writes down
what it pushes before it does. A remote position equal to one of those is an echo, of the device that read there; any
other is somebody else's. Source: design §12 (*whose progress is newer*), server contract §4.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from booklore_core.items import BookRef, Item
from booklore_core.pipeline.books import utc
from booklore_core.storage.store import Store
from booklore_core.targets import RemotePosition, Superseded

SAME = 1e-4
"""Percents that differ by no more are one place: remotes and readers round."""

LEAST, FINISHED, NEARLY = 0.0025, 0.995, 0.95
"""Below the first remotes take a book as unread, from the second on as read; and one that is read stays so for who
looks at its last pages."""

MOST_PUSHED = 20
"""So many of its own positions a target remembers of a book."""

ECHO = timedelta(hours=1)
"""So long after its push an earlier position than the last one may still turn up: requests outlive their time-outs."""


@dataclass(frozen=True)
class Position:
    """The body of an item that says where a reader is.

    percent: fraction 0–1. position: xpointer, or a page number as text. device, device_id: who read there, the first
    for people. seen: percent and position of the remote's that the reader knows and does not want to follow; seen_at:
    when that was said, unix seconds. is_opening: the book was just opened there; nobody knows when it was read.
    forced_from: see `RemotePosition`.
    """

    percent: float
    position: str | None
    device: str
    device_id: str
    seen: tuple[float, str | None] | None = None
    seen_at: float | None = None
    is_opening: bool = False
    forced_from: float | None = None

    @classmethod
    def of(cls, item: Item) -> "Position":
        told = {name: value for name, value in item.body.items() if name in cls.__dataclass_fields__}
        return cls(**{**told, "seen": tuple(told["seen"]) if told.get("seen") else None})

    @property
    def is_at_start(self) -> bool:
        """Whether remotes would take the book as unread."""
        return self.percent < LEAST

    def as_body(self) -> dict[str, Any]:
        """Only what says something, so that a place at which nothing has changed has an equal body."""
        told = {name: getattr(self, name) for name in self.__dataclass_fields__}
        optional = {"seen": None, "seen_at": None, "is_opening": False, "forced_from": None}
        return {name: value for name, value in told.items() if name not in optional or value != optional[name]}

    def knows(self, remote: RemotePosition) -> bool:
        """Whether the reader does not want to follow a remote's position: this one, or one that is further on and that
        was told when this one was there already. Else two of them would be asked about in turns for ever."""
        if self.seen is None or remote.percent is None:
            return False
        was_there = (remote.at.timestamp() if remote.at else 0.0) <= (self.seen_at or -1.0)
        is_seen = is_same_place(*self.seen, remote.percent, remote.position)
        return is_seen or (was_there and remote.percent <= self.seen[0])


def is_same_place(one: float | None, at: str | None, other: float | None, other_at: str | None) -> bool:
    """Whether two percents and positions are one place. A position that one side does not tell decides nothing."""
    return (
        one is not None
        and other is not None
        and abs(one - other) <= SAME
        and (not at or not other_at or at == other_at)
    )


class Pushed:
    """The positions that a target has pushed, or may have: of each book the last ones, in the target's store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def note(self, item: Item, now: datetime) -> None:
        """Before the push, whose answer may be lost. now: the core's time."""
        entry = {
            **{name: item.body.get(name) for name in ("percent", "position", "device", "device_id", "forced_from")},
            "partial_md5": item.book.partial_md5,
            "read_at": item.occurred_at.timestamp(),
            "pushed_at": now.timestamp(),
        }
        self._store.set(key_of(item.book), [entry, *self._of(item.book)][:MOST_PUSHED])

    def recognise(self, book: BookRef, remote: RemotePosition) -> RemotePosition:
        """remote, and where it is an echo who read there, in which file, and when."""
        for number, entry in enumerate(self._of(book)):
            may_be = number == 0 or remote.at is None or remote.at - utc(entry["pushed_at"]) <= ECHO
            if may_be and is_same_place(entry["percent"], entry["position"], remote.percent, remote.position):
                known = {name: entry.get(name) for name in ("device", "device_id", "partial_md5", "forced_from")}
                return replace(remote, at=utc(entry["read_at"]), **known)
        return remote

    def _of(self, book: BookRef) -> list[Mapping[str, Any]]:
        return list(self._store.get(key_of(book), ()))


def key_of(book: BookRef) -> str:
    return f"pushed {book.match or book.partial_md5}"


def is_news(item: Item, remote: RemotePosition | None) -> bool:
    """Whether a remote has to be told where a reader is; remote: where its reader is now, as `Pushed` recognised it.

    False: it would change nothing, or only a book's read mark and finish date. Raises Superseded when the remote's is
    newer than the item, or further on and the reader of the item has not been asked about it yet.
    """
    own = Position.of(item)
    if own.is_at_start:
        return False
    if remote is None or not remote.percent:
        return True
    if is_same_place(own.percent, own.position, remote.percent, remote.position):
        return False
    if remote.percent >= FINISHED and (own.percent >= NEARLY or is_where_forced(own, remote)):
        return False
    where, is_own = f"{remote.device or 'another reader'} is at {remote.percent:.1%}", remote.device_id == own.device_id
    if own.is_opening and (remote.percent > own.percent or not is_own):
        raise Superseded(f"{where}, and here the book was only opened")
    if own.forced_from is not None or is_own or own.knows(remote):
        return True
    if remote.at and remote.at > item.occurred_at:
        raise Superseded(f"{where}, read later")
    if remote.percent > own.percent:
        raise Superseded(f"{where}, further on, and {own.device} has not been asked yet whether to go there")
    return True


def is_where_forced(own: Position, remote: RemotePosition) -> bool:
    """Whether nobody has read on since a rating marked the book as read."""
    return remote.forced_from is not None and abs(own.percent - remote.forced_from) <= SAME
