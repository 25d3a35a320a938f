"""A remote in this process that recognises no repeat, behind a way that loses requests and answers, or is slow."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import power
from books import DIGESTS
from checker import WORDS, Push, Row, Spots, rows_of
from notebook import IN_BOOK, Mark

from booklore_core import (
    Before,
    BookUnmatched,
    Item,
    ItemFailed,
    ItemRejected,
    Pushed,
    RemotePosition,
    Store,
    TargetUnavailable,
    hookimpl,
)
from booklore_core.testing import FakePlugin

T = TypeVar("T")
KEPT = frozenset({"annotation", "bookmark", "rating", "review", "status", "deletion"})
"""Of these the remote keeps what it was told last of each key, as a table of its own."""

KINDS = frozenset({"session", "progress"}) | KEPT


class Remote:
    """What is stored, sessions and each book's position, and how likely exchanges about the troubled kinds go wrong.

    rate: fraction 0–1. late: what is carried out when, all the same. locked_until: until then sessions can be read, and
    those that are written are carried out at its end.
    """

    def __init__(self, rng: random.Random, rate: float, clock: Callable[[], float]) -> None:
        self.rng, self.rate, self.clock = rng, rate, clock
        self.troubled: Collection[str] = KINDS
        self.held: Counter[Any] = Counter()
        self.pushes: list[Push] = []
        self.places: dict[str, RemotePosition] = {}
        self.kept: dict[tuple[str, str], Item] = {}
        self.unanswered: Spots = Counter()
        self.late: list[tuple[float, Sequence[Item]]] = []
        self.locked_until = 0.0
        self.faults = 0

    def store(self, items: Sequence[Item]) -> None:
        for item in items:
            with power.step():
                self._keep(item)

    def _keep(self, item: Item) -> None:
        if item.kind == "session":
            self.held[row_of(item)] += 1
        elif item.kind in KEPT:
            before = self.kept.get((item.kind, item.key))
            if before is None or before.occurred_at <= item.occurred_at:
                self.kept[item.kind, item.key] = item
        else:
            body, title = item.body, DIGESTS[item.book.partial_md5]
            self.place(title, body["percent"], body["position"], body["device_id"])

    def place(self, title: str, percent: float, position: str | None, device: str) -> None:
        """A push, ours or somebody else's: the last one counts, and is as late as it was received."""
        self.pushes.append(Push(title, percent, device, self.clock()))
        self.places[title] = RemotePosition(percent, position, None, datetime.fromtimestamp(self.clock(), UTC))

    def marks(self, kind: str) -> Counter[Row]:
        """What is kept of highlights or bookmarks, as a server would show it."""
        return Counter(row for item in self._there(kind) for row in rows_of(mark_of(item), kind))

    def ratings(self) -> dict[str, int | None]:
        return {DIGESTS[one.book.partial_md5]: one.body["rating"] for one in self._there("rating")}

    def reviews(self) -> dict[str, str | None]:
        return {DIGESTS[one.book.partial_md5]: one.body["text"] for one in self._there("review")}

    def statuses(self) -> dict[str, str | None]:
        """title → the server's word."""
        return {DIGESTS[one.book.partial_md5]: WORDS[one.body["status"]] for one in self._there("status")}

    def gone(self) -> set[str]:
        """The books that were deleted."""
        return {DIGESTS[one.book.partial_md5] for one in self._there("deletion")}

    def _there(self, kind: str) -> list[Item]:
        """What is kept of a kind."""
        return [one for (name, _), one in self.kept.items() if name == kind and not one.is_tombstone]

    def has(self, item: Item) -> bool:
        return any(row[:2] == row_of(item)[:2] for row in self.held)

    def write(self, items: Sequence[Item]) -> None:
        """Stores items of one kind, now, late or never."""
        self.carry_out()
        kind = items[0].kind
        due = self.locked_until if kind == "session" else 0.0
        if kind in self.troubled and self.rng.random() < self.rate:
            self.faults += 1
            error, is_done = self.rng.choice(WRONG_WRITES)
            if is_done is not LATE:
                if is_done:
                    self.store(items)
                raise error()
            due = max(due, self.clock() + self.rng.choice(LATENESS))
        if due <= self.clock():
            return self.store(items)
        self.late.append((due, items))
        placed = [item for item in items if item.kind == "progress"]
        self.unanswered.update((DIGESTS[item.book.partial_md5], item.body["percent"]) for item in placed)
        raise TargetUnavailable("no answer")

    def read(self, kind: str, look: Callable[[], T]) -> T:
        """What look finds, unless nobody answers."""
        self.carry_out()
        if kind not in self.troubled or self.rng.random() >= self.rate:
            return look()
        self.faults += 1
        raise self.rng.choice(WRONG_READS)()

    def carry_out(self) -> None:
        """What is due by now. Nobody is there any more to hear of it."""
        for items in [items for due, items in self.late if due <= self.clock()]:
            for item in items:
                self._keep(item)
        self.late = [(due, items) for due, items in self.late if due > self.clock()]


LATE = "late"
LATENESS = (1, 60, 300, 590)
"""Seconds after which a late request is carried out, and how long a table may be locked: less than ten minutes."""


WRONG_WRITES: Sequence[tuple[Callable[[], Exception], bool | str]] = (
    (lambda: TargetUnavailable("refused", False), False),
    (lambda: TargetUnavailable("request lost", True), False),
    (lambda: TargetUnavailable("answer lost", True), True),
    (lambda: ItemFailed("500", True), False),
    (lambda: ItemFailed("500 after all", True), True),
    (lambda: ItemFailed("409", False), False),
    (lambda: ItemRejected("400"), False),
    (lambda: BookUnmatched("404"), False),
    (lambda: RuntimeError("a bug before sending"), False),
    (lambda: RuntimeError("a bug after sending"), True),
    (lambda: TargetUnavailable("no answer"), LATE),
    (lambda: TargetUnavailable("no answer"), LATE),
)
"""How a write goes wrong, and whether it was carried out all the same."""

WRONG_READS: Sequence[Callable[[], Exception]] = (
    lambda: TargetUnavailable("away", True),
    lambda: ItemFailed("cannot look", True),
)


def mark_of(item: Item) -> Mark:
    """What a fact alone says: of a note that goes to both places there are two."""
    title, body = DIGESTS[item.book.partial_md5], item.body
    destination = body.get("place", IN_BOOK)
    return Mark(title, body["text"], item.occurred_at, body["note"], destination=destination)


def row_of(item: Item) -> tuple[Any, ...]:
    """A session as the remote keeps it."""
    body = item.body
    pages = (str(body["start_page"]), str(body["end_page"]))
    return (DIGESTS[item.book.partial_md5], body["start"], body["end"], body["duration"], *pages)


class RemoteTarget:
    """Delivers to the remote, and can look what is there."""

    name, kinds, batch_size = "remote", KINDS, 10
    looked_for = frozenset({"session"})

    def __init__(self, remote: Remote, store: Store) -> None:
        self._remote, self._pushed = remote, Pushed(store)

    def deliver(self, item: Item, before: Before) -> str | None:
        if item.kind == "progress":
            return self._bring(item)
        if item.kind in KEPT:
            return self._remote.write([item])
        if not before.remote_id:
            self._remote.write([item])
        return before.remote_id or item.key

    def find(self, item: Item) -> str | None:
        return item.key if self._remote.read("session", lambda: self._remote.has(item)) else None

    def _bring(self, item: Item) -> None:
        told = self._remote.read("progress", lambda: self._remote.places.get(DIGESTS[item.book.partial_md5]))
        now = datetime.fromtimestamp(self._remote.clock(), UTC)
        self._pushed.bring(item, told, lambda: self._remote.write([item]), now)

    def deliver_batch(self, items: Sequence[Item]) -> list[str]:
        if items[0].kind != "session":
            raise ItemFailed(f"of {items[0].kind} each is taken by itself")
        self._remote.write(items)
        return [item.key for item in items]


class RemotePlugin(FakePlugin):
    """The plugin that brings the target, of the same name."""

    name = RemoteTarget.name

    def __init__(self, remote: Remote) -> None:
        super().__init__()
        self._remote = remote

    @hookimpl
    def register_targets(self, store: Store) -> list[RemoteTarget]:
        return [RemoteTarget(self._remote, store)]
