"""The books that are read, as devices know them and as the server has them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from booklore_core.testing import BookLoreServer, partial_digest, sample_book, small_epub

TITLES = ("Dune", "Emma")
"""The long books, which nobody finishes."""

SHORT, ASIDE, DROPPED, SHELF = "Persuasion", "Ulysses", "Ivanhoe", "KOReader"
"""The short book, which is read to its end; two of which nobody sees more than the first page: the one that is put on
hold and taken up again, and the one that is deleted; and the shelf that it is taken off."""

PAGES = {"Dune": 600, "Emma": 600, SHORT: 12, ASIDE: 500, DROPPED: 500}


def book_named(title: str) -> dict[str, Any]:
    """The book as devices know it; the server has the very same file."""
    content = small_epub(title)
    return sample_book(title, PAGES[title], partial_md5=partial_digest(content), size=len(content))


def stock(server: BookLoreServer, titles: Iterable[str] = tuple(PAGES)) -> BookLoreServer:
    """Puts the books that are read into the server's library, each once: of a file that is there twice the servers
    tell no position."""
    known = {book.title for book in server.books.values()}
    for title in (title for title in titles if title not in known):
        server.add_book(small_epub(title), f"{title.lower()}.epub", title)
    if DROPPED in titles and DROPPED not in known:
        server.add_shelf(SHELF, [book.id for book in server.books.values() if book.title in (DROPPED, SHORT)])
    return server


BOOKS = {title: book_named(title) for title in PAGES}
DIGESTS = {book["partial_md5"]: title for title, book in BOOKS.items()}


def percent_of(page: float, title: str) -> float:
    """As it is told: a fraction, floored to four decimals."""
    return math.floor(page / PAGES[title] * 10_000) / 10_000
