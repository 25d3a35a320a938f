"""A target that remembers what it was given, and fails on demand."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from booklore_core.hookspecs import hookimpl
from booklore_core.items import BookRef, Item
from booklore_core.pipeline.positions import Pushed, is_news
from booklore_core.storage.store import Store
from booklore_core.targets import Before, Candidate, Match, RemotePosition, TargetUnavailable


class FakeTarget:
    """Takes items. received: those taken, in order. befores: what each attempt was told of earlier ones.

    fails_with: raised by every delivery until `wake_up`, or a function from item to an error or None.
    """

    def __init__(
        self,
        name: str = "bookworm",
        kinds: Iterable[str] = ("session",),
        fails_with: Exception | Callable[[Item], Exception | None] | None = None,
    ) -> None:
        self.name, self.kinds = name, frozenset(kinds)
        self.fails_with = fails_with
        self.received: list[Item] = []
        self.befores: list[Before] = []

    def deliver(self, item: Item, before: Before) -> str | None:
        self.befores.append(before)
        error = self.fails_with(item) if callable(self.fails_with) else self.fails_with
        if error is not None:
            raise error
        self.received.append(item)
        return f"{self.name}-{len(self.received)}"

    def wake_up(self) -> None:
        self.fails_with = None


class ForgetfulTarget(FakeTarget):
    """A target that takes every repeat for something new, and can be looked at before.

    loses: what becomes of deliveries until `wake_up`: the `request` or the `answer` is lost, or the request comes
    `late`, when `arrive` says so. looked: the keys that were looked for.
    """

    def __init__(self, name: str = "forgetful", loses: str | None = None, **options: Any) -> None:
        super().__init__(name, **options)
        self.loses = loses
        self.late: list[Item] = []
        self.looked: list[str] = []

    def deliver(self, item: Item, before: Before) -> str | None:
        if self.loses is None:
            return super().deliver(item, before)
        self.befores.append(before)
        if self.loses != "request":
            (self.late if self.loses == "late" else self.received).append(item)
        raise TargetUnavailable("no answer within 35 s")

    def find(self, item: Item) -> str | None:
        self.looked.append(item.key)
        error = self.fails_with(item) if callable(self.fails_with) else self.fails_with
        if error is not None:
            raise error
        return next((f"{self.name}-{item.key}" for one in self.received if one.key == item.key), None)

    def arrive(self) -> None:
        """Whatever is late is carried out now."""
        self.received += self.late
        self.late = []

    def wake_up(self) -> None:
        super().wake_up()
        self.loses = None


class FakeRemote(FakeTarget):
    """A target that keeps one position a book, as sync servers do: the last one that was pushed, whoever pushed it.

    places: partial MD5, or its own id of the book → where its reader is. clock: tells when a push is received.
    fails_with: of looks as well. loses: what becomes of pushes until `wake_up`: the `request` or the `answer` is lost.
    is_slow: looks wait for `may_answer`. looked: the books that were looked for.
    """

    def __init__(self, clock: Callable[[], datetime], name: str = "remote", **options: Any) -> None:
        super().__init__(name, kinds={"progress"}, **options)
        self.pushed: Pushed | None = None
        self.places: dict[str, RemotePosition] = {}
        self.loses: str | None = None
        self.is_slow, self.may_answer = False, threading.Event()
        self.looked: list[BookRef] = []
        self._clock = clock

    def deliver(self, item: Item, before: Before) -> str | None:
        if not is_news(item, self._look(item.book)):
            return None
        if self.pushed:
            self.pushed.note(item, self._clock())
        if self.loses != "request":
            percent, position, now = item.body["percent"], item.body["position"], self._clock()
            self.places[item.book.match or item.book.partial_md5] = RemotePosition(percent, position, "BookLore", now)
        if self.loses:
            raise TargetUnavailable("no answer within 35 s")
        return super().deliver(item, before)

    def remote_progress(self, book: BookRef) -> RemotePosition | None:
        if self.is_slow:
            self.may_answer.wait(20)
        self.looked.append(book)
        return self._look(book)

    def _look(self, book: BookRef) -> RemotePosition | None:
        if isinstance(self.fails_with, Exception):
            raise self.fails_with
        place = self.places.get(book.match or book.partial_md5)
        return self.pushed.recognise(book, place) if self.pushed and place else place

    def wake_up(self) -> None:
        super().wake_up()
        self.loses = None


class FakeLibrary(FakeTarget):
    """A target that has to match books before it takes their items.

    shelf: partial MD5 → its own id, of the books that it matches without a doubt. titles: id → title, of all books.
    covers: id → a picture. looked_at: the ids whose cover was asked for.
    """

    def __init__(
        self, shelf: Mapping[str, str], titles: Mapping[str, str] | None = None, name: str = "library", **options: Any
    ) -> None:
        super().__init__(name, **options)
        self.shelf, self.titles = dict(shelf), dict(titles or {})
        self.covers: dict[str, bytes] = {}
        self.asked: list[list[str]] = []
        self.searched: list[str] = []
        self.looked_at: list[str] = []
        self.is_open = True

    def match(self, books: Sequence[BookRef]) -> dict[str, Match]:
        self._enter()
        self.asked.append([book.partial_md5 for book in books])
        known = [book for book in books if book.partial_md5 in self.shelf]
        return {book.partial_md5: Match(self.shelf[book.partial_md5], "digest") for book in known}

    def search(self, text: str, limit: int) -> list[Candidate]:
        self._enter()
        self.searched.append(text)
        words = text.casefold().split()
        found = [self._candidate(one, words) for one, title in self.titles.items() if set(words) & words_of(title)]
        return sorted(found, key=lambda candidate: -candidate.score)[:limit]

    def book(self, remote_id: str) -> Candidate | None:
        self._enter()
        return self._candidate(remote_id, []) if remote_id in self.titles else None

    def cover(self, remote_id: str) -> bytes | None:
        self._enter()
        self.looked_at.append(remote_id)
        return self.covers.get(remote_id)

    def _candidate(self, remote_id: str, words: Sequence[str]) -> Candidate:
        title = self.titles[remote_id]
        return Candidate(remote_id, title, ("An Author",), len(set(words) & words_of(title)) / max(1, len(words)))

    def _enter(self) -> None:
        if not self.is_open:
            raise TargetUnavailable("closed", maybe_sent=False)


def words_of(title: str) -> set[str]:
    return set(title.casefold().split())


class FakePlugin:
    """A plugin made of targets, actions and kinds, for `PluginManager.register`. A `FakeRemote` is given its store."""

    def __init__(self, targets: Iterable[Any] = (), actions: Iterable[Any] = (), kinds: Iterable[Any] = ()) -> None:
        self.targets, self.actions, self.kinds = list(targets), list(actions), list(kinds)

    @hookimpl
    def register_kinds(self) -> list[Any]:
        return self.kinds

    @hookimpl
    def register_targets(self, store: Store) -> list[Any]:
        for target in self.targets:
            if isinstance(target, FakeRemote) and target.pushed is None:
                target.pushed = Pushed(store)
        return self.targets

    @hookimpl
    def register_actions(self) -> list[Any]:
        return self.actions
