"""BookOrbit as target: each kind of facts by the way that the server has for it, which is asked once at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from booklore_core import (
    Before,
    BookRef,
    BookUnmatched,
    Candidate,
    Check,
    Finding,
    Item,
    ItemFailed,
    Match,
    RemotePosition,
    Section,
    Store,
    Superseded,
)
from booklore_targets.bookorbit.mark_exchange import MarkExchange
from booklore_targets.bookorbit.orbit_audit import RESEND, OrbitAudit
from booklore_targets.bookorbit.orbit_connection import PLUGIN, NotThere, OrbitConnection
from booklore_targets.bookorbit.orbit_devices import LOOKING, OrbitDevices, as_device, hex_of
from booklore_targets.bookorbit.orbit_digests import OrbitDigests, at_home
from booklore_targets.bookorbit.orbit_login import log_in, try_account
from booklore_targets.bookorbit.orbit_marks import UNPLACED, is_unplaced
from booklore_targets.bookorbit.orbit_place import OrbitPlaces
from booklore_targets.bookorbit.orbit_review import OrbitReviews
from booklore_targets.bookorbit.orbit_standing import OrbitStanding
from booklore_targets.bookorbit.orbit_ways import MOST_HASHES, OrbitWays
from booklore_targets.bookorbit.page_events import SessionEvents

NAME = "bookorbit"
MARKS = ("annotation", "bookmark")
COPY = "/note"
"""Ends the key of a note's second fact, that beside the book; the first one has all of it."""

STAYS = "BookOrbit has no way for a device to take a book away: it stays in its library"
NEVER = "BookOrbit keeps this once it is there"


class Unset:
    """Stands for a server whose account is not set: it is owed nothing."""

    name, kinds = NAME, frozenset[str]()
    credentials = ("url", "username", "password")
    about = "not set up: `booklore login --target bookorbit`"

    def __init__(self, settings: Section, store: Store) -> None:
        self._settings = settings

    def deliver(self, item: Item, before: Before) -> None:
        raise Superseded("no BookOrbit is set up")

    def check(self) -> list[Check]:
        return []

    def log_in(self) -> list[Check]:
        return log_in(self._settings)


class BookOrbit:
    """One KOReader account at one server. clock: seconds since 1970."""

    name = NAME
    kinds = frozenset({"session", "progress", "annotation", "bookmark", "rating", "review", "status", "deletion"})
    looked_for = frozenset(MARKS)
    audited = kinds - {"deletion"}
    credentials = Unset.credentials
    batch_size, batched = 250, frozenset({"session", *MARKS})
    spans_books = batched

    def __init__(self, settings: Section, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._settings, self._clock = settings, clock
        self.address = str(settings["url"])
        self.about = f"BookOrbit, {self.address}"
        devices = OrbitDevices(store)
        self._sessions, self._places = SessionEvents(store, devices), OrbitPlaces(store, devices)
        self._standing, self._reviews = OrbitStanding(store, devices), OrbitReviews(store, devices)
        self._ways = OrbitWays()
        self._digests = OrbitDigests(store, self._ways)
        self._marks = {kind: MarkExchange(kind, store, devices) for kind in MARKS}
        self._audit = OrbitAudit(self._sessions, self._standing, self._places, self._marks)
        self._connection: OrbitConnection | None = None
        self._lock, self._line = threading.Lock(), threading.Lock()

    def deliver(self, item: Item, before: Before) -> str | None:
        """Under the digest that the server has, where a person has matched a file that it does not know."""
        if item.kind == "deletion":
            raise Superseded(STAYS)
        [item] = self._addressed([item])
        connection = self._open()
        if item.kind in self._marks:
            return self._bring_mark(connection, item)
        if item.kind == "session":
            if item.is_tombstone:
                raise Superseded(NEVER)
            return self._sessions.send(connection, [item], before.remote_id)[0]
        if item.kind == "progress":
            self._places.bring(connection, item, self._now())
            self._standing.keep(connection, item)
        else:
            ways = {"rating": self._standing.rate, "review": self._reviews.write, "status": self._standing.set_status}
            ways[item.kind](connection, item, self._now())
        return None

    def deliver_batch(self, items: Sequence[Item]) -> Sequence[str | None]:
        """Sessions, highlights or bookmarks, of any books."""
        if any(map(is_unplaced, items)):
            raise ItemFailed("of these each is told of by itself")
        connection, items, kind = self._open(), self._addressed(items), items[0].kind
        try:
            send = self._sessions.send if kind == "session" else self._marks[kind].send
            own = [one for one in items if kind == "session" or not one.key.endswith(COPY)]
            ids = dict(zip((one.key for one in own), send(connection, own), strict=True))
            return [ids.get(one.key) for one in items]
        except ItemFailed as error:  # it has answered: nothing is on its way, and a repeat of what is there is none
            raise ItemFailed(error.reason, maybe_sent=False) from error

    def find(self, item: Item) -> str | None:
        """One look serves all marks of a book in a run."""
        if item.key.endswith(COPY):
            return ""
        [item] = self._addressed([item])
        return self._marks[item.kind].find(self._open(), item)

    def match(self, books: Sequence[BookRef]) -> dict[str, Match]:
        """By the digest of the file, also one that it had before the server wrote into it."""
        found: dict[str, Match] = {}
        for start in range(0, len(books), MOST_HASHES):
            part = books[start : start + MOST_HASHES]
            told = {"hashes": [one.partial_md5 for one in part], "books": [described(one) for one in part]}
            answer = self._open().tell("match-check", {**as_device(hex_of(LOOKING)), **told}, writes=False)
            there = {one["hash"]: str(one["bookId"]) for one in answer["matches"]}
            self._ways.note((one.partial_md5 for one in part), there)
            for one in part:
                if one.partial_md5 in there:
                    self._digests.find(replace(one, match=there[one.partial_md5]))
            found |= {digest: Match(book, "digest", 1.0) for digest, book in there.items()}
        return found

    def search(self, text: str, limit: int) -> Sequence[Candidate]:
        answer = self._open().ask("GET", f"{PLUGIN}/catalog/books", q=text, size=min(100, max(1, limit)))
        return [candidate(one, text) for one in answer["items"]][:limit]

    def book(self, remote_id: str) -> Candidate | None:
        try:
            return candidate(self._open().ask("GET", f"{PLUGIN}/catalog/books/{int(remote_id)}"), "")
        except (NotThere, ValueError):
            return None

    def choose(self, book: BookRef) -> None:
        self._digests.choose(self._open(), book)

    def begin_rematch(self, books: Sequence[BookRef]) -> set[str]:
        """Those whose file, or the one that a person has matched it with, still leads to the book of that id."""
        self._ways.clear()
        homes = zip(books, self._digests.lead(self._open(), books), strict=True)
        return {book.partial_md5 for book, home in homes if not isinstance(home, BookUnmatched)}

    def remote_progress(self, book: BookRef) -> RemotePosition | None:
        """Where the server's reader is, if it knows; in another file only the percent counts. Raises Declined."""
        known = self._digests.known_book(book)
        remote = self._places.where(self._open(), known)
        return replace(remote, position=None) if remote and known is not book else remote

    def check(self) -> list[Check]:
        return try_account(self._settings)

    def log_in(self) -> list[Check]:
        return log_in(self._settings)

    def audit(self, book: BookRef, items: Sequence[Item]) -> list[Finding]:
        """All is missing of a book that has not the id any more under which it was given."""
        homes = list(zip(items, self._digests.lead(self._open(), [one.book for one in items]), strict=True))
        lost = [(item, home) for item, home in homes if isinstance(home, BookUnmatched)]
        gone = [Finding("missing", one.kind, one.book, one.key, home.reason, RESEND)
                for one, home in lost if not one.is_tombstone and not one.key.endswith(COPY)]  # fmt: skip
        still = [at_home(item, home) for item, home in homes if not isinstance(home, BookUnmatched)]
        return gone + self._audit.findings(self._open(), book, still)

    def close(self) -> None:
        """Ends the run: a call that is still under way sends nothing more."""
        with self._lock:
            connection, self._connection = self._connection, None
            for marks in self._marks.values():
                marks.close()
            self._places.close()
            self._ways.clear()
            self._digests.close()
        if connection:
            connection.close()

    def _addressed(self, items: Sequence[Item]) -> list[Item]:
        """Each under a digest that leads to the book that it is matched with. Raises Declined."""
        homes = self._digests.lead(self._open(), [one.book for one in items])
        return [at_home(*one) for one in zip(items, homes, strict=True)]

    def _bring_mark(self, connection: OrbitConnection, item: Item) -> str | None:
        if item.key.endswith(COPY):
            return None
        if item.is_tombstone:
            self._marks[item.kind].remove(connection, item)
            return None
        sent = self._marks[item.kind].send(connection, [item])[0]
        if is_unplaced(item):
            raise Superseded(UNPLACED)
        return sent

    def _open(self) -> OrbitConnection:
        with self._lock:
            self._connection = self._connection or OrbitConnection(self._settings, self._line)
            return self._connection

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def described(book: BookRef) -> dict[str, Any]:
    """What the owner of the server sees of a book that it does not know, to link it by hand."""
    told = {"title": (book.title or "")[:500] or None, "authors": ", ".join(book.authors)[:1000] or None}
    return {"hash": book.partial_md5, "source": "file", **{name: value for name, value in told.items() if value}}


def candidate(told: dict[str, Any], text: str) -> Candidate:
    title, authors = " ".join(str(told["title"]).split()), tuple(map(str, told.get("authors") or ()))
    words, own = set(text.casefold().split()), {*title.casefold().split(), *" ".join(authors).casefold().split()}
    return Candidate(str(told["id"]), title, authors, len(words & own) / max(1, len(words)))
