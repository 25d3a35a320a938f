"""The server's library as one listing, kept as small tuples: 5,000 books are a few megabytes."""

from __future__ import annotations

import codecs
import json
import logging
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

from booklore_core import Declined, TargetUnavailable, find_isbns
from booklore_targets.booklore.answers import declined
from booklore_targets.booklore.connection import Connection
from booklore_targets.booklore.titles import title_key

LISTING_SECONDS = 600
"""How long a listing is believed while a person searches in it, one book after the other."""

CHUNK = 64 * 1024
BETWEEN = re.compile(r"[,\s]*")
"""What parts the values of a list."""

log = logging.getLogger(__name__)


class BookFile(NamedTuple):
    """One file of a book; book_type as the server names it. Only the primary file is found without its type."""

    book_type: str
    name: str
    size_kb: int
    is_primary: bool


class Listed(NamedTuple):
    """A book of the library. isbns: 13 digits each, checked. files: those with text or pages, the primary one first.

    added: when it came into the library, to the second, as the server writes it.
    subtitle: what the server keeps apart from the title.
    """

    id: int
    title: str | None
    authors: tuple[str, ...]
    isbns: frozenset[str]
    files: tuple[BookFile, ...]
    added: str | None = None
    subtitle: str | None = None

    @property
    def stems(self) -> list[str]:
        return [stem(file.name) for file in self.files]

    @property
    def full_title(self) -> str | None:
        """Title and subtitle, as a file has them in one; only once, where the title holds the subtitle already."""
        if not self.title or not self.subtitle or title_key(self.title).endswith(title_key(self.subtitle)):
            return self.title
        return f"{self.title}: {self.subtitle}"

    @property
    def shown_title(self) -> str:
        """The title in one line; what has none goes by its file's name."""
        return " ".join((self.title or (self.stems or [f"book {self.id}"])[0]).split())


class Shelf:
    """The listing's books, by what they can be found by; each list in the order of ids."""

    def __init__(self, books: Iterable[Listed]) -> None:
        self.books = sorted(books, key=lambda book: book.id)

    @cached_property
    def by_id(self) -> dict[int, Listed]:
        return {book.id: book for book in self.books}

    @cached_property
    def by_size(self) -> dict[int, list[Listed]]:
        return group(self.books, lambda book: {file.size_kb for file in book.files})

    @cached_property
    def by_isbn(self) -> dict[str, list[Listed]]:
        return group(self.books, lambda book: book.isbns)

    @cached_property
    def by_title(self) -> dict[str, list[Listed]]:
        """Also by file stems: PDFs and comics often have no other title."""
        return group(self.books, title_keys)

    @cached_property
    def texts(self) -> dict[int, str]:
        """id → all words that the library has for a book."""
        texts = {book.id: (book.title, book.subtitle, *book.authors, *book.stems) for book in self.books}
        return {number: title_key(" ".join(text for text in told if text)) for number, told in texts.items()}

    @cached_property
    def by_name(self) -> dict[str, list[Listed]]:
        return group(self.books, lambda book: {title_key(file.name) for file in book.files} - {""})


def title_keys(book: Listed) -> set[str]:
    return {title_key(text) for text in {book.title, book.full_title, *book.stems}} - {""}


def stem(name: str) -> str:
    """A file's name without its ending, as PurePosixPath has it, which takes far longer."""
    last = name.rstrip("/").rpartition("/")[2]
    dot = last.rfind(".")
    return last[:dot] if 0 < dot < len(last) - 1 else last


def group(books: Iterable[Listed], keys: Callable[[Listed], Iterable[Any]]) -> dict[Any, list[Listed]]:
    found: dict[Any, list[Listed]] = defaultdict(list)
    for book in books:
        for key in keys(book):
            found[key].append(book)
    return found


class Library:
    """Fetches the listing when it is first needed, once a run.

    The unpaged list is complete in one request on every server; Grimmory's pages would take one for a hundred books.
    """

    def __init__(self, connection: Connection, clock: Callable[[], float]) -> None:
        self._connection, self._clock = connection, clock
        self._shelf: Shelf | None = None
        self._fetched_at = 0.0

    def shelf(self, seconds: float = LISTING_SECONDS) -> Shelf:
        """The books that the account may read, at most so many seconds ago. Raises TargetUnavailable when there is no
        list of them."""
        if self._shelf is None or self._clock() - self._fetched_at > seconds:
            self._shelf = self._fetch()
            self._fetched_at = self._clock()
        return self._shelf

    def _fetch(self) -> Shelf:
        try:
            response = self._connection.read("/api/v1/books")
            if response.status_code != 200:
                raise declined(response, writing=False)
            books = [listed(book) for book in read_objects(response.content)]
        except (Declined, ValueError) as error:
            raise TargetUnavailable(f"the server's list of books cannot be had: {error}", False) from error
        log.info("the library has %d books", len(books))
        return Shelf(book for book in books if book)


def read_objects(raw: bytes) -> Iterator[Any]:
    """The values of a JSON array, one at a time: the whole of it as objects would take ten times its size.

    Raises ValueError when it is none.
    """
    decode, read = codecs.getincrementaldecoder("utf-8")().decode, json.JSONDecoder().raw_decode
    text, at, fetched = decode(raw[:CHUNK]).lstrip(), 1, CHUNK
    if text[:1] != "[":
        raise ValueError("it is no list")
    while True:
        at = BETWEEN.match(text, at).end()  # type: ignore[union-attr]
        if text[at : at + 1] == "]":
            return
        try:
            value, end = read(text, at)
        except ValueError:
            if fetched >= len(raw):
                raise ValueError("it is cut off") from None
            text, at, fetched = text[at:] + decode(raw[fetched : fetched + CHUNK]), 0, fetched + CHUNK
            continue
        yield value
        at = end


def listed(book: Any) -> Listed | None:
    """The small form of a Book object, None when it is none. Source: server contract §5.2."""
    if not isinstance(book, dict) or not isinstance(book.get("id"), int):
        return None
    metadata = book.get("metadata")
    facts: dict[str, Any] = metadata if isinstance(metadata, dict) else {}
    isbns = {isbn for name in ("isbn13", "isbn10") if facts.get(name) for isbn in find_isbns(str(facts[name]))}
    title, subtitle = (text_of(one) for one in (facts.get("title") or book.get("title"), facts.get("subtitle")))
    authors = tuple(name for name in facts.get("authors") or () if isinstance(name, str))
    added = str(book.get("addedOn") or "")[:19] or None
    return Listed(book["id"], title, authors, frozenset(isbns), tuple(files_of(book)), added, subtitle)


def text_of(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def files_of(book: dict[str, Any]) -> Iterator[BookFile]:
    """The book's files, each type once: the server cannot be asked for a second file of one type."""
    seen = {"AUDIOBOOK"}
    for number, file in enumerate((book.get("primaryFile"), *(book.get("alternativeFormats") or ()))):
        if not isinstance(file, dict) or file.get("bookType") in seen or not isinstance(file.get("bookType"), str):
            continue
        seen.add(file["bookType"])
        yield BookFile(file["bookType"], str(file.get("fileName") or ""), int(file.get("fileSizeKb") or 0), not number)
