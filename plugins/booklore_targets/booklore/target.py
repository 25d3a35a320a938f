"""The BookLore target: opens a run when one is needed, and hands each kind of item to its handler."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, cast

from booklore_core import (
    Before,
    BookRef,
    Candidate,
    Check,
    Finding,
    Item,
    ItemRejected,
    Match,
    RemotePosition,
    TargetUnavailable,
)
from booklore_targets.booklore import lookup
from booklore_targets.booklore.audit import audit_sessions
from booklore_targets.booklore.book_review import Reviews
from booklore_targets.booklore.capabilities import known_capabilities
from booklore_targets.booklore.checks import check_run, failed
from booklore_targets.booklore.deletions import Deletions
from booklore_targets.booklore.marks.annotation_handler import AnnotationHandler
from booklore_targets.booklore.marks.bookmark_handler import BookmarkHandler
from booklore_targets.booklore.marks.row_audit import audit_rows
from booklore_targets.booklore.progress import Positions
from booklore_targets.booklore.ratings import Ratings
from booklore_targets.booklore.reading_status import ReadingStatuses
from booklore_targets.booklore.run import Run
from booklore_targets.booklore.sessions import Sessions
from booklore_targets.booklore.setup import RUN_LOGIN, server_url
from booklore_targets.booklore.standing_audit import audit_standing

if TYPE_CHECKING:
    from booklore_core import Fact, Section, Store

BATCH_SIZE = 100
LANES = {"booklore": 4, "grimmory": 2}


class Handler(Protocol):
    """What delivers items of one kind."""

    def deliver(self, item: Item, before: Before) -> str | None: ...


class LookingHandler(Handler, Protocol):
    """One whose items are looked for before they are sent a second time."""

    def find(self, item: Item) -> str | None: ...


HANDLERS: Mapping[str, Callable[[Run], Handler]] = {
    "session": Sessions,
    "progress": Positions,
    "annotation": AnnotationHandler,
    "bookmark": BookmarkHandler,
    "rating": Ratings,
    "review": Reviews,
    "status": ReadingStatuses,
    "deletion": Deletions,
}
"""Who delivers what."""


class BookLore:
    """A BookLore or Grimmory server as sync target. clock: seconds since 1970. wait: sleeps for seconds.
    beside: told an item and the target's name, all of its kind that is known of its book."""

    name = "booklore"
    kinds = frozenset(HANDLERS)
    audited = kinds - {"deletion"}
    looked_for = audited - {"progress"}
    batched = concurrent = frozenset({"session"})
    credentials = ("url", "username", "password")
    token_credentials = ("url", "token")

    def __init__(
        self,
        settings: Section,
        store: Store,
        clock: Callable[[], float] = time.time,
        wait: Callable[[float], object] = time.sleep,
        beside: Callable[[Item, str], Sequence[Fact]] = lambda item, target: (),
    ) -> None:
        self._settings, self._store, self._clock, self._wait, self._beside = settings, store, clock, wait, beside
        self._run: Run | None = None
        self._lock = threading.Lock()

    @property
    def about(self) -> str:
        """Which server it was when it was last seen. Asks nobody."""
        known = known_capabilities(self._store.get("dialect"))
        told, address = known.text if known else "not in touch yet", self.address
        return f"{told}, {address}" if address else "no server is set up yet (`booklore login`)"

    @property
    def address(self) -> str:
        """Where the server is, "" where none is set up. Asks nobody."""
        url = self._settings["url"]
        return server_url(url) if url else ""

    @property
    def batch_size(self) -> int:
        """How many sessions go into one request: one, unless the server was seen to take more. Asks nobody."""
        known = known_capabilities(self._store.get("dialect"))
        return BATCH_SIZE if known and known.batch else 1

    def deliver(self, item: Item, before: Before) -> str | None:
        try:
            handler = self._handler(item.kind, item.book)
        except TargetUnavailable as error:
            raise TargetUnavailable(error.reason, maybe_sent=False) from error
        return handler.deliver(item, before)

    def find(self, item: Item) -> str | None:
        handler = cast(LookingHandler, self._handler(item.kind, item.book))
        return handler.find(item)

    @property
    def concurrency(self) -> int:
        """How many requests with sessions go at a time: Grimmory has five connections to its database, for its readers
        as well (contract §2.5). Asks nobody."""
        known = known_capabilities(self._store.get("dialect"))
        return LANES[known.family] if known else 1

    def deliver_batch(self, items: Sequence[Item]) -> list[str]:
        handler = self._handler("session", items[0].book)
        assert isinstance(handler, Sessions)
        return handler.deliver_batch(items)

    def remote_progress(self, book: BookRef) -> RemotePosition | None:
        """Where the server's reader is in a book, None where nobody has read it on a device. Raises Declined."""
        handler = self._handler("progress")
        assert isinstance(handler, Positions)
        return handler.find(book)

    def match(self, books: Sequence[BookRef]) -> dict[str, Match]:
        """partial MD5 → match, of the books found for certain. Raises TargetUnavailable."""
        return self._connected().matcher.match(books) if books else {}

    def begin_rematch(self, books: Sequence[BookRef]) -> Collection[str]:
        """The partial MD5s of those books that still are what book.match names. Raises TargetUnavailable."""
        return self._connected().matcher.begin_rematch(books)

    def search(self, text: str, limit: int) -> list[Candidate]:
        return lookup.search(self._connected().library, text, limit)

    def book(self, remote_id: str) -> Candidate | None:
        return lookup.read_book(self._connected().connection, remote_id)

    def cover(self, remote_id: str) -> bytes | None:
        return lookup.read_cover(self._connected().connection, remote_id)

    def choose(self, book: BookRef) -> None:
        """A person says that a book is the one that has the id book.match now. Raises Declined."""
        self._connected().identities.renew(book)

    def audit(self, book: BookRef, items: Sequence[Item]) -> list[Finding]:
        """What of these the server lacks, has too often, or has among others that overlap. Raises Declined.

        Of a book that was deleted on purpose it lacks nothing.
        """
        run = self._connected()
        if book.match and run.identities.is_deleted(book.match):
            return []
        positions = self._handler("progress")
        assert isinstance(positions, Positions)
        return [
            *audit_sessions(run.connection, book, items, run.decimals),
            *audit_rows(run.connection, run.identities, book, items),
            *audit_standing(run.connection, run.identities, positions, book, items),
        ]

    def check(self) -> list[Check]:
        """What works, line by line; makes the KOReader account when there is none."""
        return self._check(afresh=False)

    def log_in(self) -> list[Check]:
        """The same after a new login with the credentials as they are set now, refused before or not."""
        lines = self._check(afresh=True)
        self.close()
        return lines

    def close(self) -> None:
        """Ends the run: a call that is still under way sends nothing more."""
        with self._lock:
            run, self._run = self._run, None
        if run:
            run.close()

    def _check(self, afresh: bool) -> list[Check]:
        """In a run of its own: a delivery may be under way."""
        try:
            run = self._new_run()
        except TargetUnavailable as error:
            return [failed("server", error, RUN_LOGIN, afresh)]
        try:
            return list(check_run(run, afresh))
        finally:
            run.close()

    def _new_run(self) -> Run:
        return Run(self._settings, self._store, self._clock, self._wait, self._known_beside)

    def _known_beside(self, item: Item) -> Sequence[Fact]:
        return self._beside(item, self.name)

    def _open(self) -> Run:
        with self._lock:
            if self._run is None or self._run.is_stale:
                self._run = self._new_run()
            return self._run

    def _connected(self) -> Run:
        run = self._open()
        run.connect()
        return run

    def _handler(self, kind: str, book: BookRef | None = None) -> Handler:
        """book: which the item is of. Raises BookUnmatched where its id is known to be another book's by now."""
        run = self._connected()
        if kind not in HANDLERS:
            raise ItemRejected(f"BookLore takes no {kind}")
        if book:
            run.identities.vouch(book)
        handler: Handler = run.handlers.setdefault(kind, run.handlers.get(kind) or HANDLERS[kind](run))
        return handler
