"""The only door to a target's code: a deadline, every error told as `Declined`, closed when all have left."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from booklore_core.guard.culprit import package_of_module, told
from booklore_core.guard.deadline import TookTooLong, Watch
from booklore_core.guard.shape import all_of, maybe_of, shaped, short_text
from booklore_core.items import BookRef, Item
from booklore_core.pipeline.lanes import Lanes, Request, ids_of
from booklore_core.targets import (
    AuditableTarget,
    BatchTarget,
    Candidate,
    Check,
    CheckableTarget,
    Declined,
    Finding,
    ItemFailed,
    LookingTarget,
    Match,
    RemotePosition,
    Target,
    TargetUnavailable,
)

log = logging.getLogger(__name__)
T = TypeVar("T")

CALL_LIMIT = 60.0
"""Seconds after which a call is given up for this run and counts as unknown."""

CLOSE_LIMIT, BATCH, MAX_BATCH, MAX_LANES = 5.0, 100, 500, 8
Meanwhile = Callable[[], None]
"""What somebody who waits does at every sign of life."""

Answer = list[str | None] | Declined | None
"""What became of a request: the remote's ids, why the target has not done it, or None where it was not begun."""

MatchOf = Callable[[str, str], str | None]
"""Told a book's partial MD5 and a target's name, the target's id of the book."""


def nothing() -> None:
    """Somebody who waits does nothing else."""


class Gateway:
    """One target, as everybody else sees it. Raises Declined, which names the target, and nothing else.

    lingering: calls that were given up, by target; while one goes on nobody enters, for it may still send something.
    """

    def __init__(self, target: Target, plugin: str, lingering: dict[str, list[Watch[Any]]], match_of: MatchOf) -> None:
        self._target: Any = target
        self.plugin, self._package = plugin, package_of_module(target)
        self.name, self.kinds = str(target.name), frozenset(target.kinds)
        self._lingering, self._match_of = lingering, match_of
        self._inside, self._lock, self.spans_books = 0, threading.Lock(), frozenset(getattr(target, "spans_books", ()))

    def has(self, part: type) -> bool:
        """Whether the target has an optional part, one of the protocols of `booklore_core.targets`."""
        return self._quietly(part.__name__, lambda: isinstance(self._target, part), False, CALL_LIMIT)

    def leads_to(self, target: Target, plugin: str) -> bool:
        return self._target is target and self.plugin == plugin and self.kinds == frozenset(target.kinds)

    @property
    def about(self) -> str:
        """What the target says of its remote, from memory."""
        return self._attribute("about", str, "")

    @property
    def address(self) -> str:
        """The URL of the remote; empty where it has none."""
        return self._attribute("address", str, "")

    @property
    def batch_size(self) -> int:
        return max(1, min(MAX_BATCH, self._attribute("batch_size", int, BATCH)))

    def lanes(self, kind: str) -> int:
        """How many requests with items of a kind may be under way at a time."""
        most = max(1, min(MAX_LANES, self._attribute("concurrency", int, 1)))
        return most if kind in self._attribute("concurrent", frozenset, self.kinds) else 1

    @property
    def credentials(self) -> tuple[str, ...]:
        """The names of the settings that make the account, in the order in which they are asked for."""
        return self._attribute("credentials", tuple, ())

    @property
    def looked_for(self) -> frozenset[str]:
        """The kinds whose items are looked for before they are sent a second time."""
        return self._attribute("looked_for", frozenset, self.kinds) if self.has(LookingTarget) else frozenset()

    @property
    def batched(self) -> frozenset[str]:
        """The kinds whose items go in batches."""
        return self._attribute("batched", frozenset, self.kinds) if self.has(BatchTarget) else frozenset()

    @property
    def audited(self) -> frozenset[str]:
        """The kinds whose items can be compared with the remote's."""
        return self._attribute("audited", frozenset, self.kinds)

    @property
    def token_credentials(self) -> tuple[str, ...]:
        """The same for an account without a password; `token` is one of them. Empty where there is no such thing."""
        return self._attribute("token_credentials", tuple, ())

    @contextmanager
    def session(self) -> Iterator[None]:
        """Around several calls: the target is closed once the last one who is inside has left."""
        with self._lock:
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    self.close()  # nobody enters meanwhile

    def deliver_all(
        self, requests: Sequence[Request], answers: list[Answer], may_begin: Callable[[], bool], meanwhile: Meanwhile
    ) -> None:
        """Sends items of one kind, several requests at a time. answers: filled with what became of each in any case."""
        answers[:] = [None] * len(requests)
        if lingering := self.lingering:
            raise self._named(TargetUnavailable(lingering, maybe_sent=False))
        lanes, kind = Lanes(requests, self.spans_books, self._send, may_begin), requests[0][0][0].kind
        with self.session():
            try:
                lanes.run(self.lanes(kind) if len(requests) > 1 else 1, self.name, CALL_LIMIT, meanwhile)
            finally:
                for at, one in enumerate(lanes.answers):
                    answers[at] = self._declined(requests[at], one) if isinstance(one, Exception) else one
                self._lingering.setdefault(self.name, []).extend(lanes.alive)

    def _send(self, request: Request) -> list[str | None]:
        if len(request) == 1:
            return [short_text(self._target.deliver(*request[0]))]
        return ids_of(self._target.deliver_batch([item for item, _ in request]), request)

    def _declined(self, request: Request, error: Exception) -> Declined:
        what = "deliver" if len(request) == 1 else "deliver_batch"
        return self._named(error if isinstance(error, Declined) else self._fault(what, error, may_send=True))

    def find(self, item: Item, meanwhile: Meanwhile = nothing) -> str | None:
        return self._call("find", lambda: short_text(self._target.find(item)), meanwhile)

    def match(self, books: Sequence[BookRef], meanwhile: Meanwhile = nothing) -> dict[str, Match]:
        return self._call("match", lambda: matches_of(self._target.match(books), books), meanwhile)

    def begin_rematch(self, books: Sequence[BookRef]) -> set[str]:
        """The partial MD5s of those books that still are what book.match names."""
        return self._call("begin_rematch", lambda: set(map(str, self._target.begin_rematch(books))))

    def search(self, text: str, limit: int) -> list[Candidate]:
        return self._call("search", lambda: all_of(Candidate, self._target.search(text, limit))[:limit])

    def book(self, remote_id: str) -> Candidate | None:
        return self._call("book", lambda: maybe_of(Candidate, self._target.book(remote_id)))

    def cover(self, remote_id: str) -> bytes | None:
        return self._call("cover", lambda: getattr(self._target, "cover", lambda _: None)(remote_id))

    def choose(self, book: BookRef) -> None:
        self._call("choose", lambda: hasattr(self._target, "choose") and self._target.choose(book))

    def check(self) -> list[Check]:
        """What works, line by line; a target that cannot tell is enabled, that is all."""
        if not self.has(CheckableTarget):
            return [Check(self.name, True, "enabled; it has no connection test")]
        return self._call("check", lambda: all_of(Check, self._target.check()))

    def log_in(self) -> list[Check]:
        return self._call("log_in", lambda: all_of(Check, self._target.log_in()))

    def audit(self, book: BookRef, items: Sequence[Item], meanwhile: Meanwhile = nothing) -> list[Finding]:
        if not self.has(AuditableTarget):
            return []
        return self._call("audit", lambda: all_of(Finding, self._target.audit(book, items)), meanwhile)

    def remote_position(self, book: BookRef) -> RemotePosition | None:
        """Where the remote's reader is in a book, whose match need not be told."""
        book = replace(book, match=book.match or self._match_of(book.partial_md5, self.name))
        return self._call("remote_progress", lambda: maybe_of(RemotePosition, self._target.remote_progress(book)))

    def close(self) -> None:
        """Ends the target's run, a call that was given up included. Its next call opens it again."""
        self._quietly("close", lambda: (getattr(self._target, "close", None) or nothing)(), None, CLOSE_LIMIT)

    @property
    def lingering(self) -> str | None:
        """Where a call is that was given up and goes on; None without one."""
        given_up = self._lingering.get(self.name, [])
        given_up[:] = [watch for watch in given_up if watch.is_alive]
        return told(given_up[0].late(), self._package) if given_up else None

    def _call(self, what: str, work: Callable[[], T], meanwhile: Meanwhile = nothing) -> T:
        if lingering := self.lingering:
            raise self._named(TargetUnavailable(lingering, maybe_sent=False))
        with self.session():
            watch = Watch(lambda _: work(), self.name)
            try:
                return watch.wait(CALL_LIMIT, meanwhile)
            except Exception as error:  # noqa: BLE001 a target may fail in any way
                declined = error if isinstance(error, Declined) else self._fault(what, error)
            finally:
                if watch.is_alive:
                    self._lingering.setdefault(self.name, []).append(watch)
            raise self._named(declined)

    def _fault(self, what: str, error: Exception, may_send: bool = False) -> Declined:
        """What an error comes to that is none of the target's own words. may_send: it leaves the outcome open."""
        is_late = isinstance(error, TookTooLong)
        reason = f"{what} {'' if is_late else 'failed: '}{told(error, self._package, getattr(self._target, what))}"
        log.warning("target %s: %s", self.name, reason)
        log.info("target %s", self.name, exc_info=error)
        return TargetUnavailable(reason) if is_late else ItemFailed(reason, maybe_sent=may_send)

    def _named(self, declined: Declined) -> Declined:
        declined.target, declined.reason = self.name, short_text(declined.reason) or "no reason told"
        return declined

    def _attribute(self, name: str, kind: Callable[[Any], T], otherwise: T) -> T:
        return self._quietly(name, lambda: kind(getattr(self._target, name, otherwise)), otherwise, CALL_LIMIT)

    def _quietly(self, what: str, work: Callable[[], T], otherwise: T, limit: float) -> T:
        """For what nobody has to know the failure of; a property may be code of the target, too."""
        try:
            return Watch(lambda _: work(), f"{what} {self.name}").wait(limit, tick=limit)
        except Exception as error:
            log.warning("target %s: %s: %s", self.name, what, told(error, self._package))
            log.info("target %s", self.name, exc_info=True)
            return otherwise


def matches_of(found: Any, books: Sequence[BookRef]) -> dict[str, Match]:
    """What a target has matched of books. Raises whatever comes of an answer that is none."""
    if not isinstance(found, Mapping):
        raise TypeError(f"expected a mapping, got {type(found).__name__}")
    known = {book.partial_md5: found[book.partial_md5] for book in books if book.partial_md5 in found}
    return {md5: shaped(Match, match) for md5, match in known.items()}
