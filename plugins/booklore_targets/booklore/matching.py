"""Finds the server's books by digest, ISBN or file, and takes only what is certain; the rest a person is asked."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import repeat, zip_longest

from booklore_core import BookRef, Match, TargetUnavailable
from booklore_targets.booklore.candidates import (
    Hit,
    by_likeness,
    find_by_file,
    find_by_isbn,
    likely,
    of_its_size,
    size_kb,
    twins,
)
from booklore_targets.booklore.hashes import Hashes
from booklore_targets.booklore.identities import Identities
from booklore_targets.booklore.library import Library, Listed, Shelf
from booklore_targets.booklore.proofs import Copy, Proofs

MATCHING_SECONDS, AFTER_LISTING_SECONDS, MOST_SECONDS = 30, 10, 50
"""After that the run goes on with what it has: the core gives up a call after a minute. A list that came late leaves
time for some of its books all the same."""

GUESSES_PER_BOOK, LEAST_GUESSES = 8, 30
"""Files read in one run that have nothing but their size in common with a book; the next run goes on where this one
ended. What has more in common with it is read as long as there is time."""

TWINS = 4

log = logging.getLogger(__name__)
Copies = Mapping[BookRef, Sequence[Copy]]


class Matcher:
    """One run's search for books. Of a file that the library has several times the book is taken that the server's
    kosync updates: Grimmory's newest, elsewhere the oldest, for there it updates none (contract §13, §17)."""

    def __init__(
        self,
        library: Library,
        hashes: Hashes,
        proofs: Proofs,
        identities: Identities,
        takes_newest: bool,
        clock: Callable[[], float],
    ) -> None:
        self._library, self._hashes, self._proofs, self._identities = library, hashes, proofs, identities
        self._takes_newest, self._clock = takes_newest, clock
        self._began_at = self._ends_at = 0.0

    def match(self, books: Sequence[BookRef]) -> dict[str, Match]:
        """partial MD5 → match, of the books found for certain. What was found before the server went away counts.

        Raises TargetUnavailable when it was away from the start.
        """
        found: dict[str, Match] = {}
        self._began_at = self._clock()
        self._ends_at = self._began_at + MATCHING_SECONDS
        self._hashes.choose(books)
        try:
            self._ask(found, [book for book in books if self._hashes.is_chosen(book)])
            left = [book for book in books if book.partial_md5 not in found]
            if left:
                self._look_through(found, self._library.shelf(), left)
        except TargetUnavailable as error:
            if not found:
                raise
            log.info("matching ended early: %s", error.reason)
        finally:
            self._hashes.remember()
            self._proofs.remember()
        return found

    def begin_rematch(self, books: Sequence[BookRef]) -> Collection[str]:
        """The books that still are what book.match names; every file is to be read anew. Raises TargetUnavailable."""
        known = self._library.shelf().by_id
        self._proofs.forget()
        matched = [(book, known.get(int(book.match))) for book in books if book.match and book.match.isdecimal()]
        still = [book for book, listed in matched if listed and self._identities.is_still(listed)]
        return {book.partial_md5 for book in still if self._identities.is_vouched(book)}

    def _ask(self, found: dict[str, Match], books: Iterable[BookRef]) -> None:
        """Asks the server for the digests. One of a file of another size is no proof."""
        for book in books:
            listed = self._hashes.find(book) if self._has_time(found) else None
            if listed and any(size_kb(book) in (-1, file.size_kb) for file in listed.files):
                self._note(found, book, Hit(listed, "digest"))

    def _look_through(self, found: dict[str, Match], shelf: Shelf, books: Sequence[BookRef]) -> None:
        """The listing's way: what shares a title, a name or an ISBN is read first, then what has the size only."""
        late = min(self._clock() + AFTER_LISTING_SECONDS, self._began_at + MOST_SECONDS)
        self._ends_at = max(self._ends_at, late)
        named = {book: self._untried(book, likely(shelf, book)) for book in books}
        sized = {book: self._untried(book, of_its_size(shelf, book)) for book in books}
        self._ask(found, (book for book in books if named[book] or sized[book]))
        self._prove(found, shelf, named)
        left = [book for book in books if book.partial_md5 not in found]
        guesses = {book: by_likeness(shelf, book, sized[book]) for book in left}
        self._prove(found, shelf, guesses, max(LEAST_GUESSES, GUESSES_PER_BOOK * len(left)))
        if self._has_time(found):
            self._take_unproven(found, shelf, {book: named[book] for book in left if book.partial_md5 not in found})

    def _take_unproven(self, found: dict[str, Match], shelf: Shelf, copies: Copies) -> None:
        """What is certain though no file on the server is the device's. Where one could not be read, it may be that."""
        for book, ones in copies.items():
            hit = find_by_isbn(shelf, book) or find_by_file(shelf, book)
            unread = {copy.book.id for copy in self._untried(book, ones)}
            if hit and unread <= {hit.book.id}:
                self._note(found, book, hit)

    def _untried(self, book: BookRef, copies: Iterable[Copy]) -> list[Copy]:
        """Those that are not known to be other files than the book's."""
        return [copy for copy in copies if not self._proofs.refutes(book, copy)]

    def _prove(self, found: dict[str, Match], shelf: Shelf, copies: Copies, most: int | None = None) -> None:
        """Reads every book's first copy, then every one's second, as long as there is time. most: files to be read."""
        for book, copy in by_turns(copies):
            if book.partial_md5 in found or self._proofs.refutes(book, copy):
                continue
            if most is not None and not self._proofs.is_read(copy):
                if most == 0:
                    continue  # what another book has had read may be this one's
                most -= 1
            if self._has_time(found) and self._proofs.holds(book, copy):
                self._note(found, book, Hit(self._kept_by_kosync(shelf, book, copy), "digest"))

    def _kept_by_kosync(self, shelf: Shelf, book: BookRef, copy: Copy) -> Listed:
        """The book of a file; of several that have it the one that kosync updates."""
        better = [twin for twin in twins(shelf, copy) if (twin.book.id > copy.book.id) is self._takes_newest]
        better.sort(key=lambda twin: twin.book.id, reverse=self._takes_newest)
        return next((twin.book for twin in better[:TWINS] if self._proofs.holds(book, twin)), copy.book)

    def _has_time(self, found: dict[str, Match]) -> bool:
        if self._clock() <= self._ends_at:
            return True
        log.debug("time is up; matching goes on in the next run, with %d books found", len(found))
        return False

    def _note(self, found: dict[str, Match], book: BookRef, hit: Hit) -> None:
        log.info("matched %s to book %d by %s", book.partial_md5[:8], hit.book.id, hit.how)
        self._identities.note(hit.book, book.partial_md5, is_proven=hit.how == "digest")
        found[book.partial_md5] = Match(str(hit.book.id), hit.how, hit.sure, hit.book.title)


def by_turns(copies: Copies) -> Iterator[tuple[BookRef, Copy]]:
    """Every book's first copy, then every one's second, and so on."""
    columns = (zip(repeat(book), ones, strict=False) for book, ones in copies.items())
    return (turn for row in zip_longest(*columns) for turn in row if turn)
