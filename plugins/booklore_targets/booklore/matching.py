"""Finds the server's books by digest, ISBN or file, and takes only what is certain; the rest a person is asked."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from booklore_core import BookRef, Match, TargetUnavailable, normalize_isbn
from booklore_targets.booklore.book_types import type_of_file
from booklore_targets.booklore.hashes import Hashes
from booklore_targets.booklore.identities import Identities
from booklore_targets.booklore.library import Library, Listed, Shelf
from booklore_targets.booklore.proofs import Copy, Proofs
from booklore_targets.booklore.titles import authors_agree, title_key, titles_agree

PROOFS_PER_BOOK = 8
"""Candidates proven or refuted for one book in one run; the next run goes on where this one ended."""

MATCHING_SECONDS = 30
"""After that the run goes on with what it has: the core gives up a call after a minute."""

log = logging.getLogger(__name__)


class Matcher:
    """One run's search for books. Two copies of one file are one book to the reader: the lower id is taken."""

    def __init__(
        self, library: Library, hashes: Hashes, proofs: Proofs, identities: Identities, clock: Callable[[], float]
    ) -> None:
        self._library, self._hashes, self._proofs, self._identities = library, hashes, proofs, identities
        self._clock = clock

    def match(self, books: Sequence[BookRef]) -> dict[str, Match]:
        """partial MD5 → match, of the books found for certain. What was found before the server went away counts.

        Raises TargetUnavailable when it was away from the start.
        """
        found: dict[str, Match] = {}
        ends_at = self._clock() + MATCHING_SECONDS
        self._hashes.choose(books)
        try:
            for book in books:
                if self._clock() > ends_at:
                    log.info("matching goes on in the next run: %d of %d books found", len(found), len(books))
                    break
                self._note(found, book, self._find(book))
        except TargetUnavailable as error:
            if not found:
                raise
            log.info("matching ended early: %s", error.reason)
        self._hashes.remember()
        return found

    def _note(self, found: dict[str, Match], book: BookRef, hit: Hit | None) -> None:
        if hit is None:
            log.debug("book %s is not found for certain", book.partial_md5[:8])
            return
        log.info("matched %s to book %d by %s", book.partial_md5[:8], hit.book.id, hit.how)
        self._proofs.forget(book)
        self._identities.note(hit.book)
        found[book.partial_md5] = Match(str(hit.book.id), hit.how, hit.sure, hit.book.title)

    def _find(self, book: BookRef) -> Hit | None:
        known = self._hashes.find(book) if self._hashes.is_chosen(book) else None
        return Hit(known, "digest") if known else self._by_listing(book)

    def _by_listing(self, book: BookRef) -> Hit | None:
        shelf = self._library.shelf()
        copies = self._proofs.untried(book, find_copies(shelf, book))
        known = self._hashes.find(book) if copies else None
        if known:
            return Hit(known, "digest")
        verdicts = {}
        for copy in copies[:PROOFS_PER_BOOK]:
            verdicts[copy] = self._proofs.holds(book, copy)
            if verdicts[copy]:
                return Hit(copy.book, "digest")
        hit = find_by_isbn(shelf, book) or find_by_file(shelf, book)
        # One of those that were not read may be the very file.
        unread = {copy.book.id for copy in copies if verdicts.get(copy) is None}
        return hit if hit and unread <= {hit.book.id} else None


class Hit(NamedTuple):
    """A book that was found. how, sure: as in `Match`."""

    book: Listed
    how: str
    sure: float = 1.0


def find_copies(shelf: Shelf, book: BookRef) -> list[Copy]:
    """The files that may be the book's, the likeliest first: same type and size, same ISBN, same title."""
    size_kb = -1 if book.size is None else book.size // 1024
    sized = copies_of(shelf.by_size.get(size_kb, ()), book)
    same_size = (copy for copy in sized if copy.file.size_kb == size_kb)
    same_isbn = copies_of(shelf.by_isbn.get(normalize_isbn(book.isbn) or "", ()), book)
    same_title = copies_of(shelf.by_title.get(title_key(book.title), ()), book)
    return list(dict.fromkeys((*same_size, *same_isbn, *same_title)))


def copies_of(books: Iterable[Listed], book: BookRef) -> Iterator[Copy]:
    """The files of these books that are of the type of the device's file, as far as that is known."""
    book_type = type_of_file(book.file)
    return (Copy(one, file) for one in books for file in one.files if book_type in (None, file.book_type))


def find_by_isbn(shelf: Shelf, book: BookRef) -> Hit | None:
    """The one book of that ISBN, unless title or authors say that it is another one: a box has one for all volumes."""
    isbn = normalize_isbn(book.isbn)
    hits = [one for one in shelf.by_isbn.get(isbn, ()) if one.files] if isbn else []
    if len(hits) == 1 and titles_agree(hits[0].title, book.title) and authors_agree(hits[0].authors, book.authors):
        return Hit(hits[0], "isbn", 0.95)
    return None


def find_by_file(shelf: Shelf, book: BookRef) -> Hit | None:
    """The one book with a file of the same name, size and title: the server has rewritten its copy since.

    Source: server contract §5.2.1.
    """
    title = title_key(book.title)
    if not book.file or book.size is None or not title:
        return None
    name, size_kb = PurePosixPath(book.file).name, book.size // 1024
    hits = {
        one.id: one
        for one in shelf.by_size.get(size_kb, ())
        for file in one.files
        if (file.name, file.size_kb) == (name, size_kb) and title_key(one.title) == title
    }
    only = next(iter(hits.values())) if len(hits) == 1 else None
    return Hit(only, "file", 0.9) if only and authors_agree(only.authors, book.authors) else None
