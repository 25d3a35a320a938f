"""Delivers reading sessions, one by one or a book's in one request, and never the same one twice."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from booklore_core import Before, BookUnmatched, Declined, Item, ItemFailed, ItemRejected
from booklore_targets.booklore.answers import NO_BOOK, declined, is_page, message
from booklore_targets.booklore.book_types import type_of_format
from booklore_targets.booklore.lookup import read_listed
from booklore_targets.booklore.run import Run
from booklore_targets.booklore.session_body import session_body
from booklore_targets.booklore.session_log import SessionLog

if TYPE_CHECKING:
    from requests import Response

SINGLE, BATCH = "/api/v1/reading-sessions", "/api/v1/reading-sessions/batch"

log = logging.getLogger(__name__)


class Sessions:
    """The target's handler of items of the kind `session`.

    The server gives a session no id that it tells, so the remote id is the book's id and the start.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._log = SessionLog(run.connection)
        self._types: dict[str, str] = {}

    def deliver(self, item: Item, before: Before) -> str:
        """Source: server contract §6.1, §6.3."""
        if before.remote_id:
            return before.remote_id  # an earlier revision is there, and a session cannot be changed
        with still_unknown(before):
            body, book_id = session_body(item, self._decimals), book_id_of(item)
            if before.maybe_sent and self._log.has(book_id, body["startTime"]):
                log.info("session %s had arrived", item.key)
                return remote_id(book_id, body)
            body = {"bookId": int(book_id), "bookType": self._type(item, book_id), **body}
        self._post_single(book_id, body)
        return remote_id(book_id, body)

    def deliver_batch(self, items: Sequence[Item]) -> list[str]:
        """Sessions of one book in one request, all or none. Raises ItemFailed, maybe_sent False, when the server
        refuses it: the sessions are then to be sent one by one. Source: server contract §6.2."""
        if not self._run.capabilities.batch:
            raise ItemFailed("the server takes sessions one by one only")
        book_id = book_id_of(items[0])
        bodies = [session_body(item, self._decimals) for item in items]
        if any(body["endTime"] == body["startTime"] for body in bodies):
            raise ItemFailed("a session without length is refused in a batch")
        batch = {"bookId": int(book_id), "bookType": self._type(items[0], book_id), "sessions": bodies}
        self._post_batch(book_id, batch)
        return [remote_id(book_id, body) for body in bodies]

    def _post_single(self, book_id: str, body: dict[str, Any]) -> None:
        response = self._post(SINGLE, book_id, body)
        if response.status_code != 202 or is_page(response):
            self._log.forget(book_id)
            raise declined(response, writing=True)
        self._log.add(book_id, body["startTime"])

    def _post_batch(self, book_id: str, batch: dict[str, Any]) -> None:
        from booklore_core.http import json_answer

        self._log.forget(book_id)
        response = self._post(BATCH, book_id, batch)
        answer = json_answer(response, "totalRequested", "successCount")
        if response.status_code == 200 and answer:
            if answer["totalRequested"] == answer["successCount"] == len(batch["sessions"]):
                return
            raise ItemFailed(f"the server took {answer['successCount']!r} of {len(batch['sessions'])}", maybe_sent=True)
        refusal = declined(response, writing=True)
        if response.status_code == 404 and NO_BOOK not in (message(response) or ""):
            self._run.forget_capabilities()
        if isinstance(refusal, ItemRejected):
            raise ItemFailed(refusal.reason)  # which of them it is will be seen one by one
        raise refusal

    def _post(self, path: str, book_id: str, body: dict[str, Any]) -> Response:
        try:
            return self._run.connection.ask("POST", path, json=body)
        except Declined:
            self._log.forget(book_id)
            raise

    def _type(self, item: Item, book_id: str) -> str:
        """The server's type of the device's file; where that is not known or has none, of its own file."""
        known = type_of_format(item.body.get("format"))
        if known:
            return known
        if book_id not in self._types:
            book = read_listed(self._run.connection, book_id)
            self._types[book_id] = book.files[0].book_type if book and book.files else "EPUB"
        return self._types[book_id]

    @property
    def _decimals(self) -> int:
        return int(self._run.settings.get("sessions.decimals", 2))


def book_id_of(item: Item) -> str:
    """The server's id of the item's book. Raises BookUnmatched."""
    match = item.book.match or ""
    if not (match.isascii() and match.isdigit()):
        raise BookUnmatched("the book is not matched")
    return match


def remote_id(book_id: str, body: dict[str, Any]) -> str:
    return f"{book_id}:{body['startTime']}"


@contextmanager
def still_unknown(before: Before) -> Iterator[None]:
    """Whatever ends the attempt before anything was sent: an earlier one may have arrived all the same."""
    try:
        yield
    except Declined as error:
        error.maybe_sent = error.maybe_sent or before.maybe_sent
        raise
