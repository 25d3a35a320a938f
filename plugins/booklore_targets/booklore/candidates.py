"""Which files of the library may be a book's, and which books are it without a proof."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from booklore_core import BookRef
from booklore_targets.booklore.book_types import type_of_file
from booklore_targets.booklore.library import Listed, Shelf, title_keys
from booklore_targets.booklore.proofs import Copy
from booklore_targets.booklore.titles import authors_agree, title_key, titles_agree

FAR_OFF = 2.5
"""Times larger or smaller than the other is no other printing of a book, but a sample of it, or a volume of a box."""


class Hit(NamedTuple):
    """A book that was found. how, sure: as in `Match`."""

    book: Listed
    how: str
    sure: float = 1.0


def likely(shelf: Shelf, book: BookRef) -> list[Copy]:
    """The files that share a title, a name or an ISBN with the book; those first that agree in the most."""
    copies = copies_of(sharing(shelf, titles_of(book), name_of(book), book.isbns), book)
    return sorted(copies, key=lambda copy: (-agreements(book, copy), copy.book.id))


def of_its_size(shelf: Shelf, book: BookRef) -> Iterator[Copy]:
    """The files that have at least type and size in common with the book."""
    sized = copies_of(shelf.by_size.get(size_kb(book), ()), book)
    return (copy for copy in sized if copy.file.size_kb == size_kb(book))


def by_likeness(shelf: Shelf, book: BookRef, copies: Sequence[Copy]) -> list[Copy]:
    """These copies; those first whose books' words are most like the book's."""
    if len(copies) < 2:
        return list(copies)
    from rapidfuzz import fuzz, process

    said = " ".join(title_key(text) for text in (book.title, *book.authors, stem_of(book)))
    texts = [shelf.texts[copy.book.id] for copy in copies]
    return [copies[number] for _, _, number in process.extract(said, texts, scorer=fuzz.token_set_ratio, limit=None)]


def twins(shelf: Shelf, copy: Copy) -> Iterator[Copy]:
    """The other files that may be the same as a copy: one file may be in several libraries."""
    wanted = (copy.file.book_type, copy.file.size_kb)
    for one in sharing(shelf, title_keys(copy.book), title_key(copy.file.name), copy.book.isbns):
        for file in one.files:
            if one.id != copy.book.id and (file.book_type, file.size_kb) == wanted:
                yield Copy(one, file)


def sharing(shelf: Shelf, titles: Iterable[str], name: str, isbns: Iterable[str]) -> list[Listed]:
    """The books that have one of these titles, a file of that name or one of these ISBNs."""
    titled = (one for title in titles for one in shelf.by_title.get(title, ()))
    numbered = (one for isbn in isbns for one in shelf.by_isbn.get(isbn, ()))
    return list({one.id: one for one in (*titled, *shelf.by_name.get(name, ()), *numbered)}.values())


def copies_of(books: Iterable[Listed], book: BookRef) -> Iterator[Copy]:
    """The files of these books that are of the type of the device's file, as far as that is known."""
    book_type = type_of_file(book.file)
    return (Copy(one, file) for one in books for file in one.files if book_type in (None, file.book_type))


def agreements(book: BookRef, copy: Copy) -> int:
    """How many facts speak for a copy: size, title, authors, file name, ISBN."""
    are_known = bool(book.authors and copy.book.authors)
    return sum(
        (
            copy.file.size_kb == size_kb(book),
            not titles_of(book).isdisjoint(title_keys(copy.book)),
            are_known and authors_agree(copy.book.authors, book.authors),
            title_key(copy.file.name) == name_of(book),
            not copy.book.isbns.isdisjoint(book.isbns),
        )
    )


def find_by_isbn(shelf: Shelf, book: BookRef) -> Hit | None:
    """The one book that has one of the book's ISBNs, unless anything says that it is another one.

    A box, its volumes and a sample share one ISBN: title, subtitle and authors must agree, and the size must be near.
    Two books for two ISBNs are none.
    """
    hits = {one.id: one for isbn in book.isbns for one in shelf.by_isbn.get(isbn, ()) if one.files}
    only = next(iter(hits.values())) if len(hits) == 1 else None
    return Hit(only, "isbn", 0.95) if only and is_alike(only, book) and is_near(only, book) else None


def find_by_file(shelf: Shelf, book: BookRef) -> Hit | None:
    """The one book with a file of the same name, size and title: the server has rewritten its copy since.

    Source: server contract §5.2.1.
    """
    named = copies_of(shelf.by_name.get(name_of(book), ()), book)
    same = (copy for copy in named if (title_key(copy.file.name), copy.file.size_kb) == (name_of(book), size_kb(book)))
    hits = {copy.book.id: copy.book for copy in same}
    only = next(iter(hits.values())) if len(hits) == 1 else None
    return Hit(only, "file", 0.9) if only and is_alike(only, book) else None


def is_alike(one: Listed, book: BookRef) -> bool:
    """Whether title, subtitle and authors say nothing but that it is the book."""
    return titles_agree(one.full_title, book.title) and authors_agree(one.authors, book.authors)


def is_near(one: Listed, book: BookRef) -> bool:
    """Whether one of the book's files is about as large as the device's, where that is known."""
    if book.size is None:
        return True
    files = [copy.file for copy in copies_of([one], book)] or one.files
    sizes = [sorted((file.size_kb * 1024 + 512, book.size + 512)) for file in files]
    return any(larger < FAR_OFF * smaller for smaller, larger in sizes)


def size_kb(book: BookRef) -> int:
    """The size as the server writes it; -1, which no file has, where it is not known."""
    return -1 if book.size is None else book.size // 1024


def titles_of(book: BookRef) -> set[str]:
    """What the server may call the book: its title, or its file's name, as keys."""
    return {title_key(book.title), title_key(stem_of(book))} - {""}


def name_of(book: BookRef) -> str:
    return title_key(PurePosixPath(book.file or "").name)


def stem_of(book: BookRef) -> str:
    return PurePosixPath(book.file or "").stem
