"""Delivers where a reader is, and tells where the server's reader is, over the server's KOReader sync."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from booklore_core import (
    NEARLY_READ,
    Before,
    BookRef,
    BookUnmatched,
    Declined,
    Item,
    ItemFailed,
    Position,
    Pushed,
    RemotePosition,
    Superseded,
    TargetUnavailable,
    position_told,
)
from booklore_targets.booklore.answers import NO_BOOK, declined, json_body, message, reason, unavailable
from booklore_targets.booklore.book_memory import BookMemory
from booklore_targets.booklore.digest import read_remote
from booklore_targets.booklore.koreader import KoreaderAccount, provision
from booklore_targets.booklore.reading_status import READ, ReadingStatuses
from booklore_targets.booklore.refusals import DATABASE_AWAY
from booklore_targets.booklore.run import Run
from booklore_targets.booklore.sessions import book_id_of

if TYPE_CHECKING:
    from requests import Response

log = logging.getLogger(__name__)

PATH = "/api/koreader/syncs/progress"
NONE_THERE, SYNC_OFF = "No progress found", "Sync is disabled"

FIELDS = ("percentage", "progress", "timestamp", "device", "device_id")

LONGEST_POSITION, LONGEST_DEVICE = 1000, 100
"""Characters that the server's columns hold (contract §4)."""

NOBODY = "BookLore"
"""What the server calls every device (contract §4.1)."""

TWICE = "the server fails on this file, as it does for one that is in two of its libraries: remove one of them there"
UNKNOWN = "the server knows neither this file nor its own of the book by digest; have it scan its library again"


READ_ALREADY = (
    "the book is marked as read on the server: told now, this place would take that mark away or move its finish date"
)


class Found(NamedTuple):
    """document: the digest under which the server knows the book. remote: where its reader is, None for nowhere."""

    document: str
    remote: RemotePosition | None


class Positions:
    """The target's handler of items of the kind `progress`. The server takes whatever comes last, and stamps it with
    the time of its receipt: nothing is sent without a look (contract §4.2)."""

    def __init__(self, run: Run) -> None:
        self._run, self._connection = run, run.connection
        self._pushed, self._statuses = Pushed(run.connection.store), ReadingStatuses(run)
        self._known_digests = BookMemory(run.connection.store, "digest")
        self._account: KoreaderAccount | None = None

    def deliver(self, item: Item, before: Before) -> None:
        """Source: server contract §4."""
        found = self._look(item.book)
        if Position.of(item).forced_from is not None and self._is_read(item):
            return  # a rating says no more than that
        body = progress_body(item, found.document)
        self._pushed.bring(item, found.remote, lambda: self._push(item, body), self._now())
        self._statuses.restore(item)

    def _push(self, item: Item, body: dict[str, Any]) -> None:
        """Raises Superseded where a book is read, unless its reader has read in it since."""
        place = Position.of(item)
        is_no_reading = place.is_opening or place.is_laid_aside or self._statuses.given_since(item) == READ
        if (is_no_reading or place.percent >= NEARLY_READ) and self._is_read(item):
            raise Superseded(READ_ALREADY)
        self._statuses.before_push(item)
        self._put(body)

    def find(self, book: BookRef) -> RemotePosition | None:
        """Where the server's reader is. Raises Declined, BookUnmatched for a file that the server does not know."""
        remote = self._look(book).remote
        return remote and self._pushed.recognise(book, remote)

    def lacks(self, item: Item, told: Mapping[str, Any]) -> str:
        """In words, that the server has no place at all of a book that was told one, else "". told: its Book object,
        which answers where the KOReader account cannot. Raises TargetUnavailable."""
        own = Position.of(item)
        if own.is_at_start or own.forced_from is not None:
            return ""  # it may not have been sent at all
        return "" if self._percent(item.book, told) else "no place is there"

    def _percent(self, book: BookRef, told: Mapping[str, Any]) -> float | None:
        try:
            response = self._ask(f"{PATH}/{book.partial_md5}")
            if response.status_code != 404 or NO_BOOK not in (message(response) or ""):
                there = self._read(response)
                return there.percent if there else None
        except ItemFailed as error:
            log.info("the Book object has to answer for its place: %s", error)
        shown: float | None = (told.get("koreaderProgress") or {}).get("percentage")
        return shown

    def _look(self, book: BookRef) -> Found:
        """The position under the digest of the reader's file; under that of the server's, where it is another one."""
        for document in chain((book.partial_md5,), self._digests(book)):
            response = self._ask(f"{PATH}/{document}")
            if response.status_code == 404 and NO_BOOK in (message(response) or ""):
                continue
            remote = self._read(response)
            if document == book.partial_md5:
                return Found(document, remote)
            return Found(document, remote and replace(remote, position=None))
        raise ItemFailed(UNKNOWN)

    def _digests(self, book: BookRef) -> Iterator[str]:
        """Of the files of the server's book: the one known from before, then each as it is now. They are other files
        than the reader's: a kepub, or one that was matched by hand."""
        if not book.match:
            raise BookUnmatched("the server does not know this file, and the book is not matched")
        self._run.identities.vouch(book)
        self._run.identities.check(book.match)
        known = self._known_digests.get(book.match)
        if known:
            yield known
        for file in self._run.identities.read(book.match).files:
            book_type = None if file.is_primary else file.book_type
            remote = read_remote(self._connection, int(book.match), book_type, None)
            if remote and remote.digest and remote.digest != known:
                self._known_digests.set(book.match, remote.digest)
                yield remote.digest

    def _read(self, response: Response) -> RemotePosition | None:
        """The position of an answer. A row that a rating or the web reader has made holds none (contract §4.1)."""
        from booklore_core.http import json_answer

        if response.status_code == 404 and NONE_THERE in (message(response) or ""):
            return None
        body = json_answer(response, "percentage", "timestamp")
        if response.status_code != 200 or body is None:
            raise self._refusal(response, writing=False)
        told = position_told(*map(body.get, FIELDS))
        return told and replace(told, device=None if told.device == NOBODY else told.device)

    def _put(self, body: dict[str, Any]) -> None:
        from booklore_core.http import json_answer

        response = self._ask(PATH, "PUT", body)
        if response.status_code != 200 or json_answer(response, "status") is None:
            raise self._refusal(response, writing=True)

    def _is_read(self, item: Item) -> bool:
        """Whether anybody has marked the book as read."""
        return self._run.identities.look(book_id_of(item)).get("readStatus") == READ

    def _ask(self, path: str, method: str = "GET", json: Any = None) -> Response:
        """The answer to a call with the KOReader account, which is made, and its sync switched on, where needed."""
        try:
            self._account = self._account or provision(self._connection)
        except TargetUnavailable as error:
            raise TargetUnavailable(error.reason, maybe_sent=False) from error
        return self._connection.ask_anonymously(path, self._account.headers, method, json)

    def _refusal(self, response: Response, writing: bool) -> Declined:
        """What an answer other than the expected one means. Source: server contract §2.1, §2.6, §4, §17."""
        status, text, name = response.status_code, message(response), self._account and self._account.username
        if text is None and isinstance(json_body(response), dict):
            if status in (401, 403):
                return ItemFailed(f"the server refuses the KOReader account {name}; `booklore test-connection`")
            if status == 500:
                return TargetUnavailable(": ".join(DATABASE_AWAY), writing)
        if text and SYNC_OFF in text:
            return ItemFailed(f"the sync of the KOReader account {name} is off: switch it on on the server's page")
        if status == 500 and not writing:
            return ItemFailed(f"{TWICE} ({reason(response)})")
        away = unavailable(response, writing)
        if away or status != 404:
            return away or declined(response, writing)
        return ItemFailed(reason(response))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._connection.now(), UTC)


def progress_body(item: Item, document: str) -> dict[str, Any]:
    """The request's body. document: the digest under which the server knows the book; where that is not the reader's
    file the percent alone fits, as it does for a position that is too long. Source: server contract §4."""
    place = Position.of(item)
    is_fit = document == item.book.partial_md5 and len(place.position or "") <= LONGEST_POSITION
    return {
        "document": document,
        "percentage": place.floored,
        "progress": place.position if is_fit else None,
        "timestamp": int(item.occurred_at.timestamp()),
        "device": place.device[:LONGEST_DEVICE],
        "device_id": place.device_id[:LONGEST_DEVICE],
    }
