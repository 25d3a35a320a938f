"""What followed earlier, as features see it; and the one rule by which a new item changes what is held of a fact."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from booklore_core.items import BookRef, Item
from booklore_core.pipeline.books import book_ref, utc
from booklore_core.storage.database import Database

MAX_FACTS = 1000
MAX_KEYS = 10_000
"""So many keys one statement is given; databases take a bounded number of values."""

GIVEN = "(d.revision > 0 OR d.cleared > 0 OR d.maybe_sent = 1 OR d.remote_id IS NOT NULL)"
"""SQL: whether a target may have an item, in whatever revision, or a person has cleared it."""

HELD = f"""
SELECT i.id AS item_id, i.kind, i.key, i.body, i.occurred_at, i.said_at, i.revision, b.*,
       (SELECT COUNT(*) FROM deliveries d WHERE d.item_id = i.id AND {GIVEN}) AS given
FROM items i JOIN books b ON b.partial_md5 = i.book_md5 WHERE i.kind = :kind AND i.key IN :ids
"""
KEYS = """
SELECT key FROM items WHERE kind = :kind AND book_md5 = :book_md5 ORDER BY occurred_at DESC, id DESC LIMIT :limit
"""


@dataclass(frozen=True)
class Fact:
    """An item that followed earlier. is_given: a target may have it, or a person has cleared it: it stays as it is."""

    item: Item
    is_given: bool


@dataclass(frozen=True)
class Held:
    """What the outbox holds of one fact. id: its row, None while it has none. revision counts the bodies.

    said_at: the time of the latest event that says so, unix seconds; the item's own is that of the first one.
    """

    item: Item
    said_at: float
    id: int | None = None
    revision: int = 1
    is_given: bool = False


def settled(held: Held | None, item: Item, now: datetime) -> Held | None:
    """What is held of a fact after item. The newest body wins, an unchanged one changes nothing, an older event is
    ignored, in whatever state its deliveries are. None: nothing is held any more.

    A tombstone that is no later than the fact itself says that it never was: what no target may have is taken out.
    A device's clock may be ahead: nothing counts as later than now, or it would outdo all that comes.
    """
    said_at = min(item.occurred_at, now).timestamp()
    if held is None:
        return Held(replace(item, occurred_at=utc(said_at)), said_at)
    if item.is_tombstone and not held.is_given and held.item.occurred_at.timestamp() >= said_at:
        return None
    if said_at < held.said_at:
        return held
    if item.body == held.item.body:
        return replace(held, said_at=said_at)
    changed = replace(item, occurred_at=utc(said_at))
    return replace(held, item=changed, said_at=said_at, revision=held.revision + 1)


def read_held(database: Database, kind: str, keys: Iterable[str]) -> dict[str, Held]:
    """key → what is held, of those of keys that anything is held of."""
    rows = [row for ids in batched(keys, MAX_KEYS) for row in database.rows(HELD, kind=kind, ids=ids)]
    return {row["key"]: Held(item_of(row), row["said_at"], row["item_id"], row["revision"], row["given"] > 0)
            for row in rows}  # fmt: skip


def batched(keys: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(keys)
    while batch := list(islice(rest, size)):
        yield batch


def item_of(row: dict[str, Any]) -> Item:
    """The item that a row of items, joined with its book, holds."""
    return Item(row["kind"], row["key"], book_ref(row), json.loads(row["body"]), utc(row["occurred_at"]))


class Facts:
    """What followed from earlier events, those of the batch at hand included.

    It is read without a lock. What a feature decided by it counts only while it is still so (`still_hold`).
    """

    def __init__(self, database: Database, now: datetime) -> None:
        self._database, self._now = database, now
        self._read: dict[tuple[str, str], Held | None] = {}
        self._new: dict[tuple[str, str], Held | None] = {}

    def of(self, kind: str, book: BookRef) -> Sequence[Item]:
        """The items of a kind that already followed for a book, newest first, at most 1,000."""
        md5 = book.partial_md5
        rows = self._database.rows(KEYS, kind=kind, book_md5=md5, limit=MAX_FACTS)
        new = [key for one, key in self._new if one == kind]
        facts = self.known(kind, dict.fromkeys([*(row["key"] for row in rows), *new]))
        items = [fact.item for fact in facts if fact.item.book.partial_md5 == md5]
        return sorted(items, key=lambda item: item.occurred_at, reverse=True)[:MAX_FACTS]

    def known(self, kind: str, keys: Iterable[str]) -> list[Fact]:
        """The items of a kind that already followed with these keys."""
        found = (self._held(kind, keys)).values()
        return [Fact(held.item, held.is_given) for held in found if held]

    def note(self, items: Iterable[Item]) -> None:
        """Lets the next event of the batch see what followed from this one."""
        for item in items:
            held = self._held(item.kind, [item.key])[item.key]
            self._new[item.kind, item.key] = settled(held, item, self._now)

    def _held(self, kind: str, keys: Iterable[str]) -> dict[str, Held | None]:
        wanted = list(keys)
        unread = [key for key in wanted if (kind, key) not in self._read]
        if unread:
            held = read_held(self._database, kind, unread)
            self._read.update({(kind, key): held.get(key) for key in unread})
        return {key: self._new.get((kind, key), self._read[kind, key]) for key in wanted}

    def still_hold(self) -> bool:
        """Whether nothing of what was read has changed since; asked in the transaction that takes the outcome in."""
        read = dict(self._read)  # a hook that was given up may go on reading
        return all(
            state_of(held) == state_of(now.get(key))
            for kind in {kind for kind, _ in read}
            for now in [read_held(self._database, kind, [key for one, key in read if one == kind])]
            for (one, key), held in read.items()
            if one == kind
        )


def state_of(held: Held | None) -> tuple[int | None, int, bool, float] | None:
    return None if held is None else (held.id, held.revision, held.is_given, held.said_at)
