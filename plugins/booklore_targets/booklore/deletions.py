"""Delivers that a book was deleted on the device: off the shelf, or, where a person chose that, off the server.

The server's delete takes every file of a book, and what everybody has about it, for ever (contract §10). It is asked
for in one place, about one id, under one policy, after one proof.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from booklore_core import Before, BookRef, Declined, Item, ItemFailed, ItemRejected
from booklore_targets.booklore.answers import NO_ACCESS, declined, message
from booklore_targets.booklore.digest import read_remote
from booklore_targets.booklore.proofs import is_same
from booklore_targets.booklore.run import Run
from booklore_targets.booklore.sessions import book_id_of
from booklore_targets.booklore.shelves import Shelves

if TYPE_CHECKING:
    from requests import Response

PATH = "/api/v1/books"
UNSHELVE, DELETE = "unshelve", "delete"

BY_HAND = "delete it on the server's page if it is to go"
UNREAD = f"the server does not show its file, so nobody knows whether it is the one that was deleted: {BY_HAND}"
ANOTHER = f"the server's file is not the one that was deleted, and stays: {BY_HAND}"
FURTHER = f"the server's book has other files as well, which would go with it: {BY_HAND}"
FORBIDDEN = (
    "the account lacks the permission to delete books: an admin gives it on the server's page, Settings → Users; or "
    "set deletions.policy to unshelve"
)
LEFT = (
    "the server has taken the book out of its library and could not remove the file, which its next scan brings back: "
    "remove it by hand, and let the server write to its folder"
)
STILL_THERE = "the server says that it has deleted the book, and still has it"


class Deletions:
    """The target's handler of items of the kind `deletion`. A file that came back asks for nothing."""

    def __init__(self, run: Run) -> None:
        self._run, self._shelves = run, Shelves(run)

    def deliver(self, item: Item, before: Before) -> str | None:
        """The id of the book that was deleted, None where it only left a shelf. Source: server contract §9, §10."""
        policy, shelf = item.body.get("policy"), item.body.get("shelf")
        if item.is_tombstone:
            return None
        if policy == DELETE:
            return self._delete(item.book, book_id_of(item), before)
        if policy != UNSHELVE or not isinstance(shelf, str) or not shelf.strip():
            raise ItemRejected(f"nothing is known to do for the policy {policy!r} with the shelf {shelf!r}")
        self._shelves.take_off(book_id_of(item), shelf)
        return None

    def _delete(self, book: BookRef, book_id: str, before: Before) -> str:
        """What an earlier attempt has deleted is done; what is gone otherwise may have another id by now."""
        may_be_done = before.maybe_sent or before.remote_id == book_id
        if may_be_done and self._is_gone(book_id):
            return book_id
        prove = partial(self._prove, book, book_id)
        prove()
        response = self._run.connection.ask("DELETE", PATH, params={"ids": book_id}, before_repeat=prove)
        self._finish(response, book_id)
        return book_id

    def _prove(self, book: BookRef, book_id: str) -> None:
        """Raises ItemRejected unless the server's book is the very file that was deleted, and nothing besides."""
        if self._run.identities.look(book_id).get("alternativeFormats"):
            raise ItemRejected(FURTHER)
        remote = read_remote(self._run.connection, int(book_id), None, book.size)
        if remote is None:
            raise ItemRejected(UNREAD)
        if not is_same(book, remote):
            raise ItemRejected(ANOTHER)

    def _finish(self, response: Response, book_id: str) -> None:
        """Raises Declined unless book and file are gone. What the answer calls deleted is what was asked for."""
        from booklore_core.http import json_answer

        told, text = json_answer(response, "deleted", "failedFileDeletions"), message(response)
        if response.status_code == 403 and text and NO_ACCESS not in text:
            raise ItemRejected(FORBIDDEN)
        if response.status_code not in (200, 207) or told is None:
            raise declined(response, writing=True)
        if not self._is_gone(book_id):
            raise ItemFailed(STILL_THERE)
        if response.status_code == 207 or told["failedFileDeletions"]:
            raise ItemRejected(LEFT, maybe_sent=True)

    def _is_gone(self, book_id: str) -> bool:
        """Raises Declined, maybe_sent True: something was sent before it is asked."""
        try:
            return self._run.identities.find(book_id) is None
        except Declined as error:
            error.maybe_sent = True
            raise
