"""Whether an id of the server is still the book's that it was: a library that is built anew gives ids out again."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from booklore_core import BookUnmatched
from booklore_targets.booklore.answers import declined, json_body
from booklore_targets.booklore.library import Listed, listed
from booklore_targets.booklore.titles import title_key

if TYPE_CHECKING:
    from booklore_targets.booklore.connection import Connection

log = logging.getLogger(__name__)


class Identities:
    """What was known of the books when their ids were found out. A database that is new refuses every token, so after
    each login with the password an id is looked at once more before anything is sent for it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._checked: dict[str, Any] = {}
        self._read: dict[str, Listed] = {}

    def note(self, book: Listed) -> None:
        """Remembers a book that was just matched."""
        facts = {"login": self._login, "added": book.added, "title": book.title, "isbns": sorted(book.isbns)}
        self._connection.store.set(key_of(str(book.id)), {**facts, "files": [file.name for file in book.files]})

    def check(self, book_id: str) -> None:
        """Raises BookUnmatched when the id is nobody's or another book's by now, Declined when that cannot be told."""
        login = self._login
        if book_id in self._checked and self._checked[book_id] == login:
            return
        known = self._connection.store.get(key_of(book_id))
        if known is None or known["login"] != login:
            self._read.pop(book_id, None)
            book = self.read(book_id)
            if known and not is_same(known, book):
                self._connection.store.remove(key_of(book_id))
                raise BookUnmatched(f"the server has another book as number {book_id} than before")
            self.note(book)
        self._checked[book_id] = login

    def read(self, book_id: str) -> Listed:
        """The book, asked for once a run. Raises Declined."""
        if book_id not in self._read:
            response = self._connection.read(f"/api/v1/books/{book_id}")
            book = listed(json_body(response)) if response.status_code == 200 else None
            if book is None:
                raise declined(response, writing=False)
            self._read[book_id] = book
        return self._read[book_id]

    @property
    def _login(self) -> Any:
        """Counts the logins with the password."""
        return self._connection.store.get("login")


def is_same(known: dict[str, Any], book: Listed) -> bool:
    """Whether a book is the one that was known. The server may have renamed its file or changed its title since."""
    if known["added"] and book.added and known["added"] != book.added:
        return False
    titles = {title_key(known["title"]), title_key(book.title)}
    names = {file.name for file in book.files}
    shared = names & set(known["files"]) or book.isbns & set(known["isbns"])
    return len(titles) == 1 or bool(shared)


def key_of(book_id: str) -> str:
    return f"book/{book_id}"
