"""Whether an id of the server is still the book's that it was: a library that is built anew gives ids out again."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from booklore_core import BookUnmatched
from booklore_targets.booklore.answers import NO_BOOK, declined, json_body, message
from booklore_targets.booklore.library import Listed, listed
from booklore_targets.booklore.titles import title_key

if TYPE_CHECKING:
    from booklore_core import BookRef
    from booklore_targets.booklore.connection import Connection

PROVEN = 10
"""So many files are remembered that a book was seen to have: it is written anew when its metadata are."""

FACTS = ("added", "title", "isbns", "files")
"""What is remembered of a book of the server."""

log = logging.getLogger(__name__)


class Identities:
    """What was known of the books when their ids were found out. A database that is new refuses every token, so after
    each login with the password an id is looked at once more before anything is sent for it.

    Of each book of the reader it is known beside that what its id was when it was matched: the id may be found out to
    be another book's by the match of that one.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._checked: dict[str, Any] = {}
        self._read: dict[str, Listed] = {}
        self._vouched: set[tuple[str, str]] = set()

    def note(self, book: Listed, md5: str | None = None, is_proven: bool = False) -> None:
        """Remembers a book that was just matched. md5: the partial MD5 of the reader's book. is_proven: the server's
        file was seen to have it."""
        known = self._connection.store.get(key_of(str(book.id)))
        is_another = known is not None and not is_same(known, book)
        facts = {**facts_of(book), "login": self._connection.login.count}
        facts["proven"] = known.get("proven", []) if known and not is_another else []
        facts["is_another"] = is_another or bool(known and known.get("is_another"))
        if md5 and is_proven:
            facts["proven"] = [*dict.fromkeys([*facts["proven"], md5])][-PROVEN:]
        self._connection.store.set(key_of(str(book.id)), facts)
        if md5:
            self._connection.store.set(match_key(str(book.id), md5), facts_of(book))
        self._vouched.clear()

    def renew(self, book: BookRef) -> None:
        """Remembers the book that a person has chosen, whatever its id was before. Raises Declined."""
        book_id = book.match or ""
        self._read.pop(book_id, None)
        self.note(self.read(book_id), book.partial_md5)

    def vouch(self, book: BookRef) -> None:
        """Raises BookUnmatched where the id has been seen to be another book's since this one was matched to it."""
        if book.match and not self.is_vouched(book):
            raise another(book.match)

    def is_vouched(self, book: BookRef) -> bool:
        """Whether nothing has shown that the id is another book's than when this one was matched to it."""
        own = (book.match or "", book.partial_md5)
        if own in self._vouched:
            return True
        store = self._connection.store
        matched, known = store.get(match_key(*own)), store.get(key_of(own[0]))
        if known and (not are_same(matched, known) if matched else known.get("is_another")):
            return False
        now = known and {name: known[name] for name in FACTS}
        if now and now != matched:
            store.set(match_key(*own), now)  # whatever the server makes of the book step by step
        self._vouched.add(own)
        return True

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
                raise another(book_id)
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
            raise another(book_id)
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


def another(book_id: str) -> BookUnmatched:
    return BookUnmatched(f"the server has another book as number {book_id} than before")


def facts_of(book: Listed) -> dict[str, Any]:
    files = [file.name for file in book.files]
    return dict(zip(FACTS, (book.added, book.title, sorted(book.isbns), files), strict=True))


def is_same(known: dict[str, Any], book: Listed) -> bool:
    """Whether a book of the same id is the one that was known."""
    return are_same(known, facts_of(book))


def are_same(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether what was told of an id is of one book: it came into the library in the same second, whatever the server
    has made of its title, name and file since (contract §17).

    Where that is not told, two of its title, its file's name and its ISBN must be what they were.
    """
    if before["added"] and now["added"]:
        return bool(before["added"] == now["added"])
    names = {title_key(name) for name in now["files"]} & {title_key(name) for name in before["files"]}
    is_titled = title_key(before["title"]) == title_key(now["title"]) != ""
    return (is_titled, bool(names), not set(now["isbns"]).isdisjoint(before["isbns"])).count(True) >= 2


def key_of(book_id: str) -> str:
    return f"book/{book_id}"


def match_key(book_id: str, md5: str) -> str:
    return f"match/{book_id}/{md5}"
