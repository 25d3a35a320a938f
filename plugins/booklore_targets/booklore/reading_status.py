"""Delivers whether a book is read, given up or being read, and never takes a higher status from the server."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

from booklore_core import Before, Item, ItemRejected, Position, Superseded, TargetUnavailable
from booklore_targets.booklore.answers import confirm, declined
from booklore_targets.booklore.book_memory import BookMemory
from booklore_targets.booklore.capabilities import is_absent
from booklore_targets.booklore.run import Run
from booklore_targets.booklore.sessions import book_id_of

PLAIN, GENTLE = "/api/v1/books/status", "/api/v1/app/books/{}/status"
READ, READING = "READ", "READING"
STATUSES = {"complete": READ, "abandoned": "ABANDONED", "reading": READING}
"""KOReader's word → the server's, letter by letter: one that it does not know takes the status away (contract §8)."""

UNSET = (None, "UNSET", "UNREAD")
"""What the servers show of a book that nobody has given a status; the last one may be a reader's word as well."""

MAY_BECOME_READING = (*UNSET, "PAUSED", "ABANDONED")


class ReadingStatuses:
    """The target's handler of items of the kind `status`. Without a look nothing is written: the plain route dates a
    book that is read already to now, and takes the finish date with every other status (contract §8). A status that an
    earlier database may have sent takes the place of none but our own."""

    def __init__(self, run: Run) -> None:
        self._run, self._connection, store = run, run.connection, run.connection.store
        self._given, self._pushed = BookMemory(store, "status"), BookMemory(store, "pushed")
        self._has_gentle: bool | None = None

    def deliver(self, item: Item, before: Before) -> None:
        if item.is_tombstone:
            return
        own = self._own(item) if before.is_older else None
        self._bring(book_id_of(item), wanted_status(item), own)
        self._note(item)

    def find(self, item: Item) -> str | None:
        """An empty text when the book has the status. A request whose answer was lost may still come, over another
        status that was given since, or move the finish date (contract §17)."""
        book = self._run.identities.look(book_id_of(item))
        if book.get("readStatus") != wanted_status(item):
            return None
        self._note(item)
        return ""

    def _note(self, item: Item) -> None:
        given = [wanted_status(item), item.occurred_at.timestamp()]
        self._given.set(book_id_of(item), given)

    def given_since(self, place: Item) -> str | None:
        """The status that we brought last, if the reader gave it where the place was read, or later."""
        status, at, _ = self._noted(place.book.match)
        return status if at >= place.occurred_at.timestamp() else None

    def before_push(self, place: Item) -> None:
        """Notes whether the push of a place takes our status from a reader who keeps to it. One that was gone before
        he does not: somebody has read the book since, or has given it another."""
        book_id = book_id_of(place)
        self._pushed.set(book_id, True)
        status, at, is_due = self._noted(book_id)
        if status is None or at >= place.occurred_at.timestamp():
            return
        is_kept = Position.of(place).is_laid_aside
        is_kept = is_kept and (is_due or self._run.identities.look(book_id).get("readStatus") == status)
        if is_kept != is_due:
            self._given.set(book_id, [status, at, is_kept])

    def restore(self, place: Item) -> None:
        """Brings the status again that was given since a place was read, or that its reader keeps to, and that the push
        has taken away."""
        book_id = place.book.match
        status, at, is_due = self._noted(book_id)
        if not status or not (is_due or self.given_since(place)):
            return
        with suppress(Superseded):
            self._bring(str(book_id), status)
        if is_due:
            self._given.set(str(book_id), [status, at])

    def _noted(self, book_id: str | None) -> tuple[str | None, float, bool]:
        """The status that we brought last, when it was given, unix seconds, and whether a push has taken it away."""
        status, at, *is_due = self._given.get(book_id or "") or (None, 0.0)
        return status, at, bool(is_due and is_due[0])

    def _own(self, item: Item) -> set[str | None]:
        """What a server shows of a book that has no status, or that came from us."""
        book_id = book_id_of(item)
        unset = ["UNSET", "UNREAD"][: 1 + self._run.capabilities.by_hash]  # that image shows the second (contract §8)
        pushed = [READING] if self._pushed.get(book_id) else []
        earlier = (STATUSES.get(one) for one in item.body.get("earlier", ()))
        return {*unset, *pushed, *earlier, self._noted(book_id)[0], None}

    def _bring(self, book_id: str, wanted: str, own: set[str | None] | None = None) -> None:
        """own: the only ones of which it takes the place."""
        book = self._run.identities.look(book_id)
        there = book.get("readStatus")
        if there == wanted:
            return
        if own is not None and there not in own:
            raise Superseded(f"the book is marked as {words(there)} on the server, which may have been given since")
        refuse_lower(wanted, there)
        if self._is_gentle(book_id):
            self._put_gently(book_id, wanted)
        else:
            refuse_undated(wanted, book.get("dateFinished"))
            self._post(book_id, wanted)

    def _is_gentle(self, book_id: str) -> bool:
        """Whether there is the route that keeps a finish date: Grimmory had it, and gives it up (contract §16)."""
        from booklore_core.http import json_answer

        if self._has_gentle is None:
            try:
                response = self._connection.ask("GET", f"/api/v1/app/books/{book_id}")
            except TargetUnavailable as error:
                raise TargetUnavailable(error.reason, maybe_sent=False) from error
            has_it = response.status_code == 200 and json_answer(response, "id") is not None
            if not has_it and not is_absent(response):
                raise declined(response, writing=False)
            self._has_gentle = has_it
        return self._has_gentle

    def _put_gently(self, book_id: str, status: str) -> None:
        """The answer is empty."""
        still = partial(self._run.identities.check, book_id)
        path, body = GENTLE.format(book_id), {"status": status}
        response = self._connection.ask("PUT", path, json=body, before=still)
        if response.status_code != 200 or response.content:
            raise declined(response, writing=True)

    def _post(self, book_id: str, status: str) -> None:
        still = partial(self._run.identities.check, book_id)
        body = {"bookIds": [int(book_id)], "status": status}
        response = self._connection.ask("POST", PLAIN, json=body, before=still)
        confirm(response, book_id, readStatus=status)


def wanted_status(item: Item) -> str:
    """Raises ItemRejected for a word that is none of KOReader's."""
    told = item.body.get("status")
    if not isinstance(told, str) or told not in STATUSES:
        raise ItemRejected(f"a status is complete, abandoned or reading, and this one is {told!r}")
    return STATUSES[told]


def refuse_lower(wanted: str, there: Any) -> None:
    """Raises Superseded where the server's status is the higher one."""
    stays = {READ: False, "ABANDONED": there == READ, READING: there not in MAY_BECOME_READING}
    if stays[wanted]:
        raise Superseded(f"the book is marked as {words(there)} on the server, and stays so")


def refuse_undated(wanted: str, finished: Any) -> None:
    """Raises Superseded where a lower status would take the finish date of an earlier reading with it."""
    if finished and wanted != READ:
        raise Superseded(
            f"the book was finished on {str(finished)[:10]}: marked as {words(wanted)}, the server would forget that"
        )


def words(status: Any) -> str:
    return str(status).replace("_", "-").lower()
