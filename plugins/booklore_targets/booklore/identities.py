"""Whether an id of the server is still the book's that it was: a library that is built anew gives ids out again."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from booklore_core import BookUnmatched
from booklore_targets.booklore.answers import NO_BOOK, declined, json_body, message
from booklore_targets.booklore.library import Listed, listed
from booklore_targets.booklore.titles import title_key

if TYPE_CHECKING:
    from booklore_targets.booklore.connection import Connection

PROVEN = 10
"""So many files are remembered that a book was seen to have: it is written anew when its metadata are."""

log = logging.getLogger(__name__)


class Identities:
    """What was known of the books when their ids were found out. A database that is new refuses every token, so after
    each login with the password an id is looked at once more before anything is sent for it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._checked: dict[str, Any] = {}
        self._read: dict[str, Listed] = {}

    def note(self, book: Listed, proven: str | None = None) -> None:
        """Remembers a book that was just matched. proven: the partial MD5 that its file was seen to have."""
        known = self._connection.store.get(key_of(str(book.id)))
        before = known.get("proven", []) if known and is_same(known, book) else []
        facts = {
            "login": self._connection.login.count,
            "added": book.added,
            "title": book.title,
            "isbns": sorted(book.isbns),
        }
        facts["proven"] = [*dict.fromkeys([*before, proven])][-PROVEN:] if proven else before
        self._connection.store.set(key_of(str(book.id)), {**facts, "files": [file.name for file in book.files]})

    def renew(self, book_id: str) -> None:
        """Remembers the book that has an id now, whatever it was the id of before. Raises Declined."""
        self._read.pop(book_id, None)
        self.note(self.read(book_id))

    def is_proven(self, book_id: str, md5: str) -> bool:
        """Whether the book that the id was last had the very file."""
        return md5 in (self._connection.store.get(key_of(book_id)) or {}).get("proven", [])

    def note_deleted(self, book_id: str) -> None:
        """Remembers that a book is gone because somebody has deleted it on a device."""
        self._connection.store.set(f"deleted/{book_id}", True)

    def is_deleted(self, book_id: str) -> bool:
        """Whether a book is gone because somebody has deleted it on a device. Raises Declined."""
        return bool(self._connection.store.get(f"deleted/{book_id}")) and self.find(book_id) is None

    def check(self, book_id: str) -> None:
        """Raises BookUnmatched when the id is nobody's or another book's by now, Declined when that cannot be told."""
        login = self._connection.login.count
        if book_id in self._checked and self._checked[book_id] == login:
            return
        known = self._connection.store.get(key_of(book_id))
        if known is None or known["login"] != login:
            self._read.pop(book_id, None)
            book = self.read(book_id)
            if known and not is_same(known, book):
                raise self._another(book_id)
            self.note(book)
        self._checked[book_id] = login

    def look(self, book_id: str) -> dict[str, Any]:
        """The Book object as it is now. Raises BookUnmatched when the id is nobody's or another book's by now."""
        told = self.find(book_id)
        if told is None:
            raise BookUnmatched(f"the server has no book of number {book_id} any more")
        return told

    def find(self, book_id: str) -> dict[str, Any] | None:
        """The Book object as it is now, None when there is none of that id any more.

        Raises BookUnmatched when the id is another book's by now, Declined when that cannot be told.
        """
        login = self._connection.login.count
        response = self._connection.read(f"/api/v1/books/{book_id}")
        if response.status_code == 404 and NO_BOOK in (message(response) or ""):
            return None
        told = json_body(response)
        book = listed(told) if response.status_code == 200 else None
        if book is None or not isinstance(told, dict):
            raise declined(response, writing=False)
        if not self.is_still(book):
            raise self._another(book_id)
        if self._connection.store.get(key_of(book_id)) is None:
            self.note(book)
        self._checked[book_id] = login
        return told

    def is_still(self, book: Listed) -> bool:
        """Whether a book of the listing is the one that its id was last; one that was never looked at is."""
        known = self._connection.store.get(key_of(str(book.id)))
        return known is None or is_same(known, book)

    def read(self, book_id: str) -> Listed:
        """The book, asked for once a run. Raises Declined."""
        if book_id not in self._read:
            response = self._connection.read(f"/api/v1/books/{book_id}")
            book = listed(json_body(response)) if response.status_code == 200 else None
            if book is None:
                raise declined(response, writing=False)
            self._read[book_id] = book
        return self._read[book_id]

    def _another(self, book_id: str) -> BookUnmatched:
        self._connection.store.remove(key_of(book_id))
        return BookUnmatched(f"the server has another book as number {book_id} than before")


def is_same(known: dict[str, Any], book: Listed) -> bool:
    """Whether a book of the same id is the one that was known: it came into the library in the same second, whatever
    the server has made of its title, name and file since (contract §17).

    Where that is not told, two of its title, its file's name and its ISBN must be what they were.
    """
    if known["added"] and book.added:
        return bool(known["added"] == book.added)
    names = {title_key(file.name) for file in book.files} & {title_key(name) for name in known["files"]}
    is_titled = title_key(known["title"]) == title_key(book.title) != ""
    return (is_titled, bool(names), not book.isbns.isdisjoint(known["isbns"])).count(True) >= 2


def key_of(book_id: str) -> str:
    return f"book/{book_id}"
