"""Delivers reading sessions, one by one or a book's in one request, and never the same one twice."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from booklore_core import Before, BookUnmatched, Declined, Item, ItemFailed, ItemRejected, Superseded
from booklore_targets.booklore.answers import NO_BOOK, declined, is_page, message
from booklore_targets.booklore.book_types import type_of_format
from booklore_targets.booklore.run import Run
from booklore_targets.booklore.session_body import LONGEST, part_of, session_body
from booklore_targets.booklore.session_log import SessionLog, SessionRows
from booklore_targets.booklore.session_owners import Owners
from booklore_targets.booklore.session_shape import Shown, shown_of

if TYPE_CHECKING:
    from requests import Response

SINGLE, BATCH = "/api/v1/reading-sessions", "/api/v1/reading-sessions/batch"

IN_PART = "+"
"""The end of the remote id of a session of which only what the server lacked was sent."""

ALL_TOLD = "the server has sessions of all of that time, as another program or an earlier database has sent them"

log = logging.getLogger(__name__)


class Sessions:
    """The target's handler of items of the kind `session`.

    The server gives a session no id that it tells, so the remote id is the book's id and the start.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._log = SessionLog(run.connection)
        self._types: dict[str, str] = {}
        self._looked_for: set[str] = set()
        self._known: dict[str, Owners] = {}

    def deliver(self, item: Item, before: Before) -> str:
        """Sends what the server lacks of one that may be there, be it in part. Raises Superseded where it has all of
        its time. Source: server contract §6.1, §6.3."""
        if before.remote_id:
            return before.remote_id  # an earlier revision is there, and a session cannot be changed
        body, book_id = session_body(item, self._run.decimals), book_id_of(item)
        self._run.identities.check(book_id)
        may_be_there = before.is_older or before.maybe_sent
        parts = self._lacking(book_id, body, item, forms_only=not before.is_older) if may_be_there else [body]
        if not parts:
            raise Superseded(ALL_TOLD)
        about = {"bookId": int(book_id), "bookType": self._type(item, book_id)}
        for part in parts:
            self._post_single(book_id, {**about, **part}, item.key)
        if parts == [body]:
            self._note_taken(book_id, item.key)
        return remote_id(book_id, body) + ("" if parts == [body] else IN_PART)

    def find(self, item: Item) -> str | None:
        """A session that was sent as it is, or in parts that begin with it. Another program, or an earlier database,
        may have cut it in any other way: what is there of it then is seen where it is delivered. Raises Superseded
        where all of what a file of past reading told is there."""
        body, book_id = session_body(item, self._run.decimals), book_id_of(item)
        self._run.identities.check(book_id)
        self._looked_for.add(item.key)
        wanted, is_of_file = shown_of(body), bool(item.body.get("source"))
        rows = self._since(book_id, wanted.shape.start)
        if not is_of_file and rows.by_start.get(wanted.shape.start):
            self._owners(item).claim_twins(rows, wanted, item.key)
        if rows.take(wanted.shape, item.key, wanted):
            self._note_taken(book_id, item.key)
            log.info("session %s had arrived", item.key)
            return remote_id(book_id, body)
        if self._lacking(book_id, body, item, forms_only=not is_of_file):
            return None
        if is_of_file:
            raise Superseded(ALL_TOLD)
        log.info("session %s had arrived in parts", item.key)
        return remote_id(book_id, body) + IN_PART

    def _since(self, book_id: str, start: float) -> SessionRows:
        """What the server has of a book from a time on. Raises Declined, BookUnmatched when it was another server that
        answered, to which the id is another book's."""
        rows = self._log.near(book_id, start)
        self._run.identities.check(book_id)
        return rows

    def _lacking(
        self, book_id: str, body: dict[str, Any], item: Item, forms_only: bool = False
    ) -> list[dict[str, Any]]:
        """The session, or what is left of it in parts beside what the server has of the time. What was read while our
        own database was there may have been sent from here only: of it forms_only count. Raises Declined."""
        wanted = shown_of(body)
        rows = self._since(book_id, wanted.shape.start - LONGEST)
        others = set[int]() if item.body.get("source") else self._others(rows, wanted, item, forms_only)
        rest = rows.rest_of(wanted.shape, others, forms_only)
        if rest == [(wanted.shape.told, wanted.shape.duration)]:
            return [body]
        return [part_of(body, part, seconds) for part, seconds in rest]

    def _others(self, rows: SessionRows, wanted: Shown, item: Item, forms_only: bool) -> set[int]:
        """The rows that are of another reading. Raises ItemFailed where nobody can tell yet."""
        if not rows.beside(wanted.shape):
            return set()
        owners = self._owners(item)
        others = owners.others(rows, wanted, item.key)
        if not forms_only:
            owners.hold(rows, wanted, item.key, others, self._run.now)
        return others

    def _owners(self, item: Item) -> Owners:
        """What is known here of the sessions of the item's book, read once in a run."""
        known = self._known.get(item.book.match or "")
        if known is None or not known.knows(item.key):
            known = Owners(self._run.beside(item), self._run.decimals)
            self._known[item.book.match or ""] = known
        return known

    def _note_taken(self, book_id: str, key: str) -> None:
        if book_id in self._known:
            self._known[book_id].note_taken(key)

    def deliver_batch(self, items: Sequence[Item]) -> list[str]:
        """Sessions of one book in one request, all or none. Raises ItemFailed, maybe_sent False, when the server
        refuses it: the sessions are then to be sent one by one. Source: server contract §6.2."""
        if not self._run.capabilities.batch:
            raise ItemFailed("the server takes sessions one by one only")
        book_id = book_id_of(items[0])
        bodies = [session_body(item, self._run.decimals) for item in items]
        if any(body["endTime"] == body["startTime"] for body in bodies):
            raise ItemFailed("a session without length is refused in a batch")
        self._run.identities.check(book_id)
        older = [(item, body) for item, body in zip(items, bodies, strict=True) if item.key in self._looked_for]
        if any(self._lacking(book_id, body, item) != [body] for item, body in older):
            raise ItemFailed("the server has a part of the time of one")
        batch = {"bookId": int(book_id), "bookType": self._type(items[0], book_id), "sessions": bodies}
        self._post_batch(book_id, batch)
        for item, body in zip(items, bodies, strict=True):
            self._log.add(book_id, shown_of(body), item.key)
            self._note_taken(book_id, item.key)
        return [remote_id(book_id, body) for body in bodies]

    def _post_single(self, book_id: str, body: dict[str, Any], key: str) -> None:
        response = self._post(SINGLE, book_id, body)
        if response.status_code != 202 or is_page(response):
            self._log.forget(book_id)
            raise declined(response, writing=True)
        self._log.add(book_id, shown_of(body), key)

    def _post_batch(self, book_id: str, batch: dict[str, Any]) -> None:
        from booklore_core.http import json_answer

        response = self._post(BATCH, book_id, batch)
        answer = json_answer(response, "totalRequested", "successCount")
        if response.status_code == 200 and answer:
            if answer["totalRequested"] == answer["successCount"] == len(batch["sessions"]):
                return
            self._log.forget(book_id)
            raise ItemFailed(f"the server took {answer['successCount']!r} of {len(batch['sessions'])}", maybe_sent=True)
        self._log.forget(book_id)
        refusal = declined(response, writing=True)
        if response.status_code == 404 and NO_BOOK not in (message(response) or ""):
            self._run.forget_capabilities()
        if isinstance(refusal, ItemRejected):
            raise ItemFailed(refusal.reason)  # which of them it is will be seen one by one
        raise refusal

    def _post(self, path: str, book_id: str, body: dict[str, Any]) -> Response:
        try:
            still = partial(self._run.identities.check, book_id)
            return self._run.connection.ask("POST", path, json=body, before=still)
        except Declined:
            self._log.forget(book_id)
            raise

    def _type(self, item: Item, book_id: str) -> str:
        """The server's type of the device's file; where that is not known or has none, of its own file."""
        known = type_of_format(item.body.get("format"))
        if known:
            return known
        if book_id not in self._types:
            files = self._run.identities.read(book_id).files
            self._types[book_id] = files[0].book_type if files else "EPUB"
        return self._types[book_id]


def book_id_of(item: Item) -> str:
    """The server's id of the item's book. Raises BookUnmatched."""
    match = item.book.match or ""
    if not (match.isascii() and match.isdigit()):
        raise BookUnmatched("the book is not matched")
    return match


def remote_id(book_id: str, body: dict[str, Any]) -> str:
    return f"{book_id}:{body['startTime']}"
