"""How near a book comes to a search. Source: server-contract.md 5.3."""

from __future__ import annotations

import re
from collections.abc import Iterable

from booklore_core.testing.server.library import ServerBook

RESULT_LIMIT = 50


def search_books(books: Iterable[ServerBook], title: str | None, isbn: str | None) -> list[tuple[float, ServerBook]]:
    """Score and book, best first; 1.0 is an exact hit.

    An ISBN that cleans to nothing hits every book without one at 1.0, as the real server does.
    """
    scored = [(max(_title_score(book, title), _isbn_score(book, isbn)), book) for book in books]
    found = [hit for hit in scored if hit[0] > 0]
    return sorted(found, key=lambda hit: -hit[0])[:RESULT_LIMIT]


def _title_score(book: ServerBook, title: str | None) -> float:
    if not title or not book.title:
        return 0.0
    wanted, known = _plain(title), _plain(book.title)
    if wanted == known:
        return 1.0
    words, others = set(wanted.split()), set(known.split())
    return 0.9 * len(words & others) / len(words | others)


def _isbn_score(book: ServerBook, isbn: str | None) -> float:
    if not isbn:
        return 0.0
    wanted = _digits(isbn)
    known = {_digits(book.isbn13), _digits(book.isbn10)}
    if wanted in known:
        return 1.0
    return 0.7 if wanted[:7] and any(one.startswith(wanted[:7]) for one in known) else 0.0


def _digits(isbn: str | None) -> str:
    return re.sub("[^0-9X]", "", isbn or "")


def _plain(title: str) -> str:
    return " ".join(title.casefold().split())
