"""Grimmory's app API: summaries of books, in pages of at most fifty."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from booklore_core.testing.server.answers import Answer, Refusal, instant_text, json_answer
from booklore_core.testing.server.book_json import added_text, isbn_fields, primary_file, shelves_of
from booklore_core.testing.server.dialects import Dialect
from booklore_core.testing.server.library import ServerBook
from booklore_core.testing.server.routing import Route, ServerRequest
from booklore_core.testing.server.state import State, refuse_unless_visible
from booklore_core.testing.server.users import User

PAGE_LIMIT = 50


def app_routes(dialect: Dialect) -> Iterable[Route]:
    if dialect.has_app_api:
        yield Route("GET", "/api/v1/app/books", summaries)
        yield Route("GET", "/api/v1/app/books/ids", book_ids)
        yield Route("GET", "/api/v1/app/books/search", search)
        yield Route("GET", "/api/v1/app/books/{bookId:long}", detail)


def summaries(state: State, request: ServerRequest) -> Answer:
    library_id = request.whole("libraryId", 0)
    books = [book for book in state.books_for(request.user) if library_id in (0, book.library_id)]
    return _page(state, request, books)


def book_ids(state: State, request: ServerRequest) -> Answer:
    return json_answer([book.id for book in state.books_for(request.user)])


def search(state: State, request: ServerRequest) -> Answer:
    """A part of the title or of an author; neither ISBN nor file name."""
    wanted = request.query.get("q", "").strip().casefold()
    if not wanted:
        raise Refusal(400, "Search query must not be blank")
    found = [
        book
        for book in state.books_for(request.user)
        if any(wanted in known.casefold() for known in (book.title or "", *book.authors))
    ]
    return _page(state, request, found)


def detail(state: State, request: ServerRequest) -> Answer:
    book = state.book(request.id("bookId"))
    refuse_unless_visible(request.user, book)
    written = _shared_facts(state, book, request.user)
    written |= {"libraryName": book.library_name, "fileTypes": [book.book_type]}
    written |= {"files": [{**primary_file(book, state.started), "primary": True}]}
    written["shelves"] = shelves_of(state, request.user, book.id)
    progress = state.progress.get((request.user.id, book.id))
    if progress is not None and progress.percentage is not None:
        synced = None if progress.synced is None else instant_text(progress.synced)
        device = {"device": None, "deviceId": None, "lastSyncTime": synced}
        written["koreaderProgress"] = {"percentage": progress.percentage, **device}
    return json_answer(written)


def _page(state: State, request: ServerRequest, books: list[ServerBook]) -> Answer:
    number, size = max(request.whole("page", 0), 0), request.whole("size", 20)
    size = max(1, min(size, PAGE_LIMIT))
    shown = books[number * size : (number + 1) * size]
    pages = -(-len(books) // size)
    return json_answer(
        {
            "content": [_summary(state, book, request.user) for book in shown],
            "page": number,
            "size": size,
            "totalElements": len(books),
            "totalPages": pages,
            "hasNext": number + 1 < pages,
            "hasPrevious": number > 0,
        }
    )


def _summary(state: State, book: ServerBook, user: User) -> dict[str, Any]:
    written = _shared_facts(state, book, user)
    written |= {"primaryFileId": book.id, "primaryFileName": book.file_name, "fileSizeKb": book.size_kb}
    return written | {"tags": [], "moods": [], "metadataMatchScore": 30.1075, "allMetadataLocked": False}


def _shared_facts(state: State, book: ServerBook, user: User) -> dict[str, Any]:
    progress = state.progress.get((user.id, book.id))
    written: dict[str, Any] = {
        "id": book.id,
        "authors": list(book.authors),
        "thumbnailUrl": f"/api/books/{book.id}/cover",
        "readStatus": (progress.status if progress else None) or state.dialect.unset_status,
        "libraryId": book.library_id,
        "addedOn": added_text(book, state.started),
        "categories": [],
        "language": "en",
        "primaryFileType": book.book_type,
        "isPhysical": False,
    }
    if book.title is not None:
        written["title"] = book.title
    if progress is not None and progress.rating is not None:
        written["personalRating"] = progress.rating
    if progress is not None and progress.last_read is not None:
        written["lastReadTime"] = instant_text(progress.last_read)
    if progress is not None and progress.percentage is not None:
        written["readProgress"] = progress.percentage
    return written | isbn_fields(book, state.dialect.isbn_column)
