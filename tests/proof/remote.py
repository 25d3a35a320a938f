"""A remote in this process that recognises no repeat, behind a way that loses requests and answers."""

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
    """What is stored, and how likely each exchange goes wrong. rate: fraction 0–1."""

    def __init__(self, rng: random.Random, rate: float) -> None:
        self.rng, self.rate = rng, rate
        self.held: Counter[Any] = Counter()
        self.faults = 0

    def store(self, item: Item) -> None:
        body = item.body
        pages = (str(body["start_page"]), str(body["end_page"]))
        row = (TITLE_OF[item.book.partial_md5], body["start"], body["end"], body["duration"], *pages)
        with power.step():
            self.held[row] += 1

    def has(self, item: Item) -> bool:
        wanted = (TITLE_OF[item.book.partial_md5], item.body["start"])
        return any(row[:2] == wanted for row in self.held)

    def exchange(self, effect: Callable[[], T], writes: bool) -> T:
        """Carries effect out, unless the request or its answer is lost or refused on the way."""
        if self.rng.random() >= self.rate:
            return effect()
        self.faults += 1
        error, is_done = self.rng.choice(WRONG_WRITES if writes else WRONG_READS)
        if is_done:
            effect()
        raise error()


WRONG_WRITES: Sequence[tuple[Callable[[], Exception], bool]] = (
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
)
"""How a write goes wrong, and whether it was carried out all the same."""

WRONG_READS: Sequence[tuple[Callable[[], Exception], bool]] = (
    (lambda: TargetUnavailable("away", True), False),
    (lambda: ItemFailed("cannot look", True), False),
)


class RemoteTarget:
    """Delivers to the remote; looks before it repeats, and holds what it cannot look for."""

    name, kinds, batch_size = "remote", frozenset({"session"}), 10

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def deliver(self, item: Item, before: Before) -> str:
        if before.remote_id or (before.maybe_sent and self._remote.exchange(lambda: self._remote.has(item), False)):
            return before.remote_id or item.key
        try:
            self._remote.exchange(lambda: self._remote.store(item), True)
        except (TargetUnavailable, ItemFailed) as error:
            error.maybe_sent = error.maybe_sent or before.maybe_sent
            raise
        return item.key

    def deliver_batch(self, items: Sequence[Item]) -> list[str]:
        self._remote.exchange(lambda: [self._remote.store(item) for item in items], True)
        return [item.key for item in items]


class RemotePlugin(FakePlugin):
    """The plugin that brings the target, of the same name."""

    name = RemoteTarget.name

    def __init__(self, remote: Remote) -> None:
        super().__init__([RemoteTarget(remote)])
