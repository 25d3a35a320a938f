"""A remote in this process that recognises no repeat, behind a way that loses requests and answers, or is slow."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import power
from scenario import TITLES, book_named

from booklore_core import Before, BookUnmatched, Item, ItemFailed, ItemRejected, TargetUnavailable
from booklore_core.testing import FakePlugin

T = TypeVar("T")
TITLE_OF = {book_named(title)["partial_md5"]: title for title in TITLES}


class Remote:
    """What is stored, and how likely each exchange goes wrong. rate: fraction 0–1. late: what is carried out when, all
    the same. locked_until: until then reads answer, and writes are carried out at its end."""

    def __init__(self, rng: random.Random, rate: float, clock: Callable[[], float]) -> None:
        self.rng, self.rate, self.clock = rng, rate, clock
        self.held: Counter[Any] = Counter()
        self.late: list[tuple[float, Sequence[Item]]] = []
        self.locked_until = 0.0
        self.faults = 0

    def store(self, items: Sequence[Item]) -> None:
        for item in items:
            with power.step():
                self.held[row_of(item)] += 1

    def has(self, item: Item) -> bool:
        return any(row[:2] == row_of(item)[:2] for row in self.held)

    def write(self, items: Sequence[Item]) -> None:
        """Stores items, now, late or never."""
        self.carry_out()
        due = self.locked_until
        if self.rng.random() < self.rate:
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
        raise TargetUnavailable("no answer")

    def read(self, look: Callable[[], T]) -> T:
        """What look finds, unless nobody answers."""
        self.carry_out()
        if self.rng.random() >= self.rate:
            return look()
        self.faults += 1
        raise self.rng.choice(WRONG_READS)()

    def carry_out(self) -> None:
        """What is due by now. Nobody is there any more to hear of it."""
        for items in [items for due, items in self.late if due <= self.clock()]:
            self.held.update(map(row_of, items))
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


def row_of(item: Item) -> tuple[Any, ...]:
    """A session as the remote keeps it."""
    body = item.body
    pages = (str(body["start_page"]), str(body["end_page"]))
    return (TITLE_OF[item.book.partial_md5], body["start"], body["end"], body["duration"], *pages)


class RemoteTarget:
    """Delivers to the remote, and can look what is there."""

    name, kinds, batch_size = "remote", frozenset({"session"}), 10

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def deliver(self, item: Item, before: Before) -> str:
        if not before.remote_id:
            self._remote.write([item])
        return before.remote_id or item.key

    def find(self, item: Item) -> str | None:
        return item.key if self._remote.read(lambda: self._remote.has(item)) else None

    def deliver_batch(self, items: Sequence[Item]) -> list[str]:
        self._remote.write(items)
        return [item.key for item in items]


class RemotePlugin(FakePlugin):
    """The plugin that brings the target, of the same name."""

    name = RemoteTarget.name

    def __init__(self, remote: Remote) -> None:
        super().__init__([RemoteTarget(remote)])
