"""The Book object as the servers write it. Source: server-contract.md 5.2 and the recordings."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from booklore_core.testing.server.answers import encode, instant_text
from booklore_core.testing.server.dialects import Dialect
from booklore_core.testing.server.library import BOOK_TYPE_OF, ServerBook
from booklore_core.testing.server.state import Progress, State
from booklore_core.testing.server.users import User

_LOCKABLE = (
    "title subtitle publisher publishedDate description seriesName seriesNumber seriesTotal isbn13 isbn10 asin "
    "goodreadsId comicvineId hardcoverId hardcoverBookId googleId pageCount language amazonRating amazonReviewCount "
    "goodreadsRating goodreadsReviewCount hardcoverRating hardcoverReviewCount lubimyczytacId lubimyczytacRating "
    "ranobedbId ranobedbRating audibleId audibleRating audibleReviewCount cover audiobookCover authors categories "
    "moods tags reviews narrator abridged ageRating contentRating "
)
OPEN_LOCKS = {f"{name}Locked": False for name in _LOCKABLE.split()}


def book_object(state: State, book: ServerBook, user: User) -> dict[str, Any]:
    """One book with the user's progress and shelves; what is not set is left out."""
    written = _facts(book, state.dialect, state.started)
    written["metadata"] |= {"categories": [], "moods": [], "tags": [], **OPEN_LOCKS}
    written |= {"supplementaryFiles": [], "libraryPath": {"id": book.library_id}}
    written.setdefault("alternativeFormats", [])
    written |= {"shelves": shelves_of(state, user, book.id), **progress_fields(state, book, user)}
    return written


def listing(state: State, books: list[ServerBook], user: User) -> bytes:
    """Books as the lists give them: without locks and empty collections. As bytes, for large libraries."""
    return b"[" + b",".join(_listed(state, book, user) for book in books) + b"]"


def listed_object(state: State, book: ServerBook, user: User) -> dict[str, Any]:
    """One book as the lists give it."""
    written = _without_locks(_facts(book, state.dialect, state.started))
    shelves = shelves_of(state, user, book.id)
    if shelves:
        written["shelves"] = shelves
    return written | progress_fields(state, book, user)


def progress_fields(state: State, book: ServerBook, user: User) -> dict[str, Any]:
    """What the user's progress adds to a Book; only the status while there is none."""
    progress = state.progress.get((user.id, book.id))
    if progress is None:
        return {"readStatus": state.dialect.unset_status}
    written: dict[str, Any] = {"readStatus": progress.status or state.dialect.unset_status}
    written |= _web_progress(state, book, progress)
    if progress.percentage is not None:
        written["koreaderProgress"] = {"percentage": round(progress.percentage * 100, 1)}
    if progress.rating is not None:
        written["personalRating"] = progress.rating
    if progress.finished is not None:
        written["dateFinished"] = instant_text(progress.finished)
    if progress.last_read is not None:
        written["lastReadTime"] = instant_text(progress.last_read)
    return written


def shelves_of(state: State, user: User, book_id: int) -> list[dict[str, Any]]:
    """The user's own shelves that hold the book."""
    return [
        shelf_object(shelf)
        for shelf in state.shelves.rows.values()
        if book_id in shelf["books"] and shelf["userId"] == user.id
    ]


def shelf_object(shelf: dict[str, Any]) -> dict[str, Any]:
    written = {name: value for name, value in shelf.items() if name != "books" and value is not None}
    return written | {"bookCount": len(shelf["books"])}


def isbn_fields(book: ServerBook, column: int | None) -> dict[str, str]:
    """The ISBNs that the book has, cut to what the column holds."""
    isbns = {"isbn13": book.isbn13, "isbn10": book.isbn10}
    return {name: isbn[:column] for name, isbn in isbns.items() if isbn}


def added_text(book: ServerBook, started: float) -> str:
    return instant_text(started if book.added is None else book.added)


def primary_file(book: ServerBook, started: float) -> dict[str, Any]:
    stem = book.file_name.rpartition(".")[0]
    return {
        "addedOn": added_text(book, started),
        "book": True,
        "bookId": book.id,
        "bookType": book.book_type,
        "extension": book.extension,
        "fileName": book.file_name,
        "filePath": f"{book.folder}/{stem}/{book.file_name}",
        "fileSizeKb": book.size_kb,
        "fileSubPath": stem,
        "folderBased": False,
        "id": book.id,
    }


def other_files(book: ServerBook, started: float) -> list[dict[str, Any]]:
    types = {name: BOOK_TYPE_OF[name.rpartition(".")[2].lower()] for name in book.other_files}
    return [primary_file(replace(book, file_name=name, book_type=types[name]), started) for name in types]


def _facts(book: ServerBook, dialect: Dialect, started: float) -> dict[str, Any]:
    metadata: dict[str, Any] = {"bookId": book.id, "authors": list(book.authors), "language": "en"}
    if book.title is not None:
        metadata["title"] = book.title
    if book.subtitle is not None:
        metadata["subtitle"] = book.subtitle
    metadata |= isbn_fields(book, dialect.isbn_column)
    others = {"alternativeFormats": other_files(book, started)} if book.other_files else {}
    return {
        **others,
        "addedOn": added_text(book, started),
        "id": book.id,
        "isPhysical": False,
        "libraryId": book.library_id,
        "libraryName": book.library_name,
        "metadata": metadata,
        "metadataMatchScore": _match_score(book, dialect),
        "primaryFile": primary_file(book, started),
    }


def _web_progress(state: State, book: ServerBook, progress: Progress) -> dict[str, Any]:
    if book.book_type in ("PDF", "CBX"):
        kind = "pdfProgress" if book.book_type == "PDF" else "cbxProgress"
        return {kind: {"page": progress.page, "percentage": progress.web_percent}}
    known = {"cfi": progress.cfi, "href": progress.href, "percentage": progress.web_percent}
    return {"epubProgress": {name: known.get(name) for name in state.dialect.epub_progress_fields}}


def _listed(state: State, book: ServerBook, user: User) -> bytes:
    if (user.id, book.id) in state.progress or shelves_of(state, user, book.id):
        return encode(listed_object(state, book, user))
    return _untouched(book, state.dialect, state.started)


@lru_cache(maxsize=20_000)
def _untouched(book: ServerBook, dialect: Dialect, started: float) -> bytes:
    return encode(_without_locks(_facts(book, dialect, started)) | {"readStatus": dialect.unset_status})


def _without_locks(written: dict[str, Any]) -> dict[str, Any]:
    """What a list keeps of a book's metadata."""
    written["metadata"]["allMetadataLocked"] = False
    if not written["metadata"]["authors"]:
        del written["metadata"]["authors"]
    return written


def _match_score(book: ServerBook, dialect: Dialect) -> float:
    """How complete the metadata is; Grimmory finds none in a PDF."""
    plain = 28 if book.isbn13 else 25
    points = dialect.pdf_match_points if book.book_type == "PDF" else plain
    return round(100 * points / dialect.match_points, 4)
