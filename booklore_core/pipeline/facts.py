"""What followed earlier, as features see it; and the one rule by which a new item changes what is held of a fact."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from booklore_core.items import BookRef, Item, utc
from booklore_core.pipeline.books import BOOK, book_ref
from booklore_core.storage.database import Database

T = TypeVar("T")

MONTH = 31 * 86_400.0
"""Seconds. So much around a time that was asked for is read with it."""

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
IMPORTED = """i.body LIKE '%"source"_"%'"""
"""SQL: whether an item is of a file of past reading. Within a text of a body quotes are escaped."""

IMPORTS = f"""
SELECT i.key, i.occurred_at FROM items i WHERE i.book_md5 IN :ids AND i.kind = :kind
    AND i.occurred_at BETWEEN :since AND :until AND {IMPORTED}
"""
ANY_IMPORTED = f"SELECT 1 FROM items i WHERE i.id > :last AND {IMPORTED} LIMIT 1"
FIRST_IMPORTED = f"""
SELECT (SELECT MIN(i.id) FROM items i WHERE i.id > :past AND {IMPORTED}) AS first,
    (SELECT COALESCE(MAX(id), 0) FROM items) AS last
"""
FILES = "SELECT device, path FROM files WHERE book_md5 = :md5 AND gone = 0 ORDER BY seen_at DESC"
KEYS = """
SELECT key FROM items WHERE kind = :kind AND book_md5 = :book_md5 ORDER BY occurred_at DESC, id DESC LIMIT :limit
"""
SINCE = """
SELECT i.kind, i.key, i.body, i.occurred_at, b.* FROM items i
JOIN books b ON b.partial_md5 = i.book_md5 WHERE i.kind = :kind AND i.occurred_at >= :since ORDER BY i.occurred_at
"""
BESIDE = """
SELECT i.kind, i.key, i.body, i.occurred_at, i.created_at, b.*,
    (SELECT COUNT(*) FROM deliveries d WHERE d.item_id = i.id AND d.target = :target AND d.revision = i.revision
        AND d.state = 'delivered') AS has
FROM items i JOIN books b ON b.partial_md5 = i.book_md5 WHERE i.kind = :kind AND i.book_md5 IN :ids
"""
BODIES = "SELECT body FROM items WHERE kind = :kind AND book_md5 = :book_md5"
DECIDED = """SELECT key FROM proposals WHERE book_md5 = :md5 AND question = '' UNION SELECT key FROM items
    WHERE book_md5 = :md5 AND (occurred_at >= :asked_at OR body LIKE '%"removed"_true%')"""


@dataclass(frozen=True)
class Fact:
    """An item that followed earlier. is_given: a target may have it, or a person has cleared it: it stays as it is.
    made_at: when it came in, where that was asked for."""

    item: Item
    is_given: bool
    made_at: datetime | None = None


@dataclass(frozen=True)
class Held:
    """What the outbox holds of one fact. id: its row, None while it has none. revision counts the bodies: two are equal
    when nothing has changed between them.

    said_at: the time of the latest event that says so, unix seconds; the item's own is that of the first one.
    """

    item: Item = field(compare=False)
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
        return Held(item if item.occurred_at <= now else replace(item, occurred_at=now), said_at)
    if item.is_tombstone and not held.is_given and held.item.occurred_at.timestamp() >= said_at:
        return None
    if said_at < held.said_at:
        return held
    if item.body == held.item.body:
        return replace(held, said_at=said_at)
    changed = replace(item, occurred_at=utc(said_at))
    return replace(held, item=changed, said_at=said_at, revision=held.revision + 1)


def read_held(database: Database, kind: str, keys: Iterable[str]) -> dict[str, Held | None]:
    """key → what is held, None for nothing."""
    found: dict[str, Held | None] = dict.fromkeys(keys)
    for ids in batched(list(found), MAX_KEYS):
        for row in database.rows(HELD, kind=kind, ids=ids):
            found[row["key"]] = Held(item_of(row), row["said_at"], row["item_id"], row["revision"], row["given"] > 0)
    return found


def any_imported(database: Database, past: int) -> tuple[bool, int]:
    """Whether there is an item of a file of past reading after a row, and after which one to look the next time."""
    row = database.rows(FIRST_IMPORTED, past=past)[0]
    return (False, row["last"]) if row["first"] is None else (True, row["first"] - 1)


def batched(many: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(many)
    while batch := list(islice(rest, size)):
        yield batch


def item_of(row: dict[str, Any]) -> Item:
    """The item that a row of items, joined with its book, holds."""
    return Item(row["kind"], row["key"], book_ref(row), json.loads(row["body"]), utc(row["occurred_at"]))


def beside(database: Database, item: Item, target: str) -> list[Fact]:
    """What followed of an item's kind for its book, and for all others that are the same one at a target, the item
    itself included. is_given: that target has it as it is."""
    rows = database.table("matches").find(target=target, remote_id=item.book.match)
    ids = list({item.book.partial_md5, *(row["book_md5"] for row in rows)})
    found = database.rows(BESIDE, kind=item.kind, ids=ids, target=target)
    return [Fact(item_of(row), row["has"] > 0, utc(row["created_at"])) for row in found]


class Facts:
    """What followed from earlier events, those of the batch at hand included. now: when it is asked.

    It is read without a lock. What a feature decided by it counts only while it is still so (`still_hold`).
    """

    def __init__(self, database: Database, now: datetime) -> None:
        self._database, self.now = database, now
        self._read: dict[str, dict[str, Held | None]] = defaultdict(dict)
        self._new: dict[str, dict[str, Held | None]] = defaultdict(dict)
        self._imports: dict[tuple[str, tuple[str, ...]], tuple[float, float, list[dict[str, Any]]]] = {}
        self._last: int | None = None

    def books(self) -> list[BookRef]:
        """All books that anything is known of, each with the last file that it was seen as."""
        return [book_ref(row) for row in self._database.rows(BOOK)]

    def bodies(self, kind: str, md5: str) -> list[dict[str, Any]]:
        """What the items of a kind say that already followed for a book, however many; `still_hold` does not mind."""
        return [json.loads(row["body"]) for row in self._database.rows(BODIES, kind=kind, book_md5=md5)]

    def imports(self, kind: str, md5s: Iterable[str], since: datetime, until: datetime) -> list[Fact]:
        """What files of past reading told of books, and occurred from since to until. A tombstone of the same time
        takes one out that is not given."""
        if self._last is None:
            self._last = int(self._database.value("SELECT MAX(id) FROM items") or 0)
        low, high, ids = since.timestamp(), until.timestamp(), tuple(md5s)
        first, last, rows = self._imports.get((kind, ids), (low, low, []))
        if not first <= low <= high <= last:
            first, last = low - MONTH, high + MONTH
            rows = self._database.rows(IMPORTS, kind=kind, ids=list(ids), since=first, until=last)
            self._imports[kind, ids] = first, last, rows
        return self.known(kind, [row["key"] for row in rows if low <= row["occurred_at"] <= high])

    def since(self, kind: str, moment: datetime) -> list[Item]:
        """The items of a kind, of all books, that occurred at or after a moment; `still_hold` does not mind."""
        return [item_of(row) for row in self._database.rows(SINCE, kind=kind, since=moment.timestamp())]

    def of(self, kind: str, book: BookRef) -> Sequence[Item]:
        """The items of a kind that already followed for a book, newest first, at most 1,000."""
        md5 = book.partial_md5
        rows = self._database.rows(KEYS, kind=kind, book_md5=md5, limit=MAX_FACTS)
        facts = self.known(kind, dict.fromkeys([*(row["key"] for row in rows), *self._new[kind]]))
        items = [fact.item for fact in facts if fact.item.book.partial_md5 == md5]
        return sorted(items, key=lambda item: item.occurred_at, reverse=True)[:MAX_FACTS]

    def known(self, kind: str, keys: Iterable[str]) -> list[Fact]:
        """The items of a kind that already followed with these keys."""
        return [Fact(held.item, held.is_given) for held in self._held(kind, keys).values() if held]

    def decided(self, book: BookRef, asked_at: datetime) -> set[str]:
        """The keys of what is left of a question about a book by nobody any more: a person said no, it is removed, or
        something has changed since it was asked."""
        asked = {"md5": book.partial_md5, "asked_at": asked_at.timestamp()}
        return {row["key"] for row in self._database.rows(DECIDED, **asked)}

    def files(self, book: BookRef) -> list[tuple[str, str]]:
        """Device and path of where devices were seen to have a book, and not to delete it, the last place first.
        KOReader tells of no move: it may have lain there only before."""
        return [(one["device"], one["path"]) for one in self._database.rows(FILES, md5=book.partial_md5)]

    def note(self, items: Iterable[Item]) -> None:
        """Lets the next event of the batch see what followed from this one."""
        for item in items:
            held = self._held(item.kind, [item.key])[item.key]
            self._new[item.kind][item.key] = settled(held, item, self.now)

    def _held(self, kind: str, keys: Iterable[str]) -> dict[str, Held | None]:
        wanted, read, new = list(keys), self._read[kind], self._new[kind]
        if missing := [key for key in wanted if key not in read]:
            read.update(read_held(self._database, kind, missing))
        return {key: new.get(key, read[key]) for key in wanted}

    def still_hold(self) -> bool:
        """Whether nothing of what was read has changed since; asked in the transaction that takes the outcome in."""
        if self._last is not None and self._database.value(ANY_IMPORTED, last=self._last):
            return False
        read = {kind: dict(held) for kind, held in list(self._read.items())}  # a hook that was given up may read on
        return all(read_held(self._database, kind, held) == held for kind, held in read.items())
