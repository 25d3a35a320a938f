"""Serves a person who matches by hand: books by likeness of their titles, and one book by its id."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from booklore_core import Candidate, find_isbn
from booklore_targets.booklore.answers import declined, json_body
from booklore_targets.booklore.connection import Connection
from booklore_targets.booklore.library import Library, Listed, listed
from booklore_targets.booklore.titles import likeness, title_key

PICTURE = {"Accept": "image/*"}
LEAST_SCORE, LOOKED_AT = 0.3, 500
"""Below that a title shares a word or two by chance; books that are compared closely, of a large library."""


def search(library: Library, text: str, limit: int) -> list[Candidate]:
    """The books most like the text (a title, with or without author, or an ISBN), best first."""
    isbn = find_isbn(text)
    scored = ((1.0 if isbn in book.isbns else score(text, book), book) for book in near(library, text, isbn))
    likely = ((points, book) for points, book in scored if points >= LEAST_SCORE)
    best = heapq.nsmallest(limit, likely, key=lambda hit: (-hit[0], hit[1].id))
    return [candidate(book, points) for points, book in best]


def near(library: Library, text: str, isbn: str | None) -> Sequence[Listed]:
    """The books of a large library that have any word of the text, or its ISBN, the nearest ones first."""
    books = library.shelf().books
    if len(books) <= LOOKED_AT:
        return books
    from rapidfuzz import fuzz, process

    told = [title_key(" ".join((book.shown_title, *book.authors))) for book in books]
    found = process.extract(title_key(text), told, scorer=fuzz.token_set_ratio, limit=LOOKED_AT)
    return [*(book for book in books if isbn in book.isbns), *(books[number] for _, _, number in found)]


def score(text: str, book: Listed) -> float:
    return likeness(text, book.shown_title, book.authors)


def read_book(connection: Connection, remote_id: str) -> Candidate | None:
    """The book of that id, None when there is none that the account may see. Raises Declined."""
    if not (remote_id.isascii() and remote_id.isdigit()):
        return None
    response = connection.read(f"/api/v1/books/{int(remote_id)}")
    if response.status_code in (403, 404):
        return None
    book = listed(json_body(response)) if response.status_code == 200 else None
    if book is None:
        raise declined(response, writing=False)
    return candidate(book, 1.0)


def read_cover(connection: Connection, remote_id: str) -> bytes | None:
    """The small picture of a book, None where there is none. Raises Declined.

    These servers take the token of a picture from the address, as their own pages send it.
    """
    if not (remote_id.isascii() and remote_id.isdigit()):
        return None
    token = {"token": connection.login.token()}
    response = connection.read(f"/api/v1/media/book/{int(remote_id)}/thumbnail", params=token, headers=PICTURE)
    is_one = response.status_code == 200 and response.headers.get("Content-Type", "").startswith("image/")
    return response.content if is_one else None


def candidate(book: Listed, points: float) -> Candidate:
    return Candidate(str(book.id), book.shown_title, book.authors, points)
