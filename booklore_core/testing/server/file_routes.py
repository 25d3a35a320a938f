"""A book's bytes: the reader's content with ranges, and downloads. Source: server-contract.md 5.2.1, 11."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable
from urllib.parse import quote

from booklore_core.testing.server.answers import Answer, Refusal, book_not_found, unexpected
from booklore_core.testing.server.dialects import Dialect
from booklore_core.testing.server.fields import BOOK_TYPES
from booklore_core.testing.server.library import ServerBook
from booklore_core.testing.server.ranges import ranged_answer
from booklore_core.testing.server.routing import Route, ServerRequest
from booklore_core.testing.server.state import State, refuse_unless, refuse_unless_visible

CONTENT_TYPES = {
    "pdf": "application/pdf",
    "epub": "application/epub+zip",
    "mobi": "application/x-mobipocket-ebook",
    "azw3": "application/x-mobipocket-ebook",
    "fb2": "application/x-fictionbook+xml",
}


PICTURE = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")


def file_routes(dialect: Dialect) -> Iterable[Route]:
    yield Route("GET", "/api/v1/media/book/{bookId:long}/thumbnail", thumbnail)
    yield Route("GET", "/api/v1/books/{bookId:long}/content", content)
    yield Route("GET", "/api/v1/books/{bookId:long}/download", download)
    yield Route("GET", "/api/v1/books/{bookId:long}/files/{fileId:long}/download", download)


def thumbnail(state: State, request: ServerRequest) -> Answer:
    """The small picture of a book; its token comes in the address, as in the servers' own pages. Not in the contract:
    after what other clients of these servers ask."""
    book = state.book(request.id("bookId"))
    refuse_unless_visible(request.user, book)
    if not request.query.get("token"):
        raise unexpected(401)
    return Answer(200, PICTURE, "image/png")


def content(state: State, request: ServerRequest) -> Answer:
    """The file for whoever sees its library, no permission asked; the rest get a 404."""
    book = state.book(request.id("bookId"))
    if not request.user.sees(book.library_id):
        raise book_not_found(book.id)
    _refuse_other_type(book, request.query.get("bookType"))
    raw = book.read()
    if raw is None:
        raise _missing_file(state.dialect, book)
    headers = (("Content-Disposition", "inline"),) if state.dialect.content_is_inline else ()
    return ranged_answer(state.dialect, raw, _content_type(state.dialect, book), request.headers.get("range"), headers)


def download(state: State, request: ServerRequest) -> Answer:
    refuse_unless(request.user, "download", state.dialect)
    book = state.book(request.id("bookId"))
    refuse_unless_visible(request.user, book)
    raw = book.read()
    if raw is None:
        raise Refusal(500, f"Error while downloading file, bookId: {book.id}")
    named = f'attachment; filename="{book.file_name}"'
    if not state.dialect.download_takes_ranges:
        return Answer(200, raw, "application/octet-stream", (("Content-Disposition", named),))
    headers = (("Content-Disposition", f"{named}; filename*=UTF-8''{quote(book.file_name)}"),)
    return ranged_answer(state.dialect, raw, "application/octet-stream", request.headers.get("range"), headers)


def _refuse_other_type(book: ServerBook, book_type: str | None) -> None:
    if not book_type:
        return
    if book_type.upper() not in BOOK_TYPES:
        raise unexpected(400)
    if book_type.upper() != book.book_type:
        raise Refusal(404, f"File not found: No file of type {book_type} found for book")


def _missing_file(dialect: Dialect, book: ServerBook) -> Refusal:
    if dialect.content_is_inline:
        return Refusal(404, shape="boot")
    return Refusal(404, f"File not found: {book.folder}/{book.file_name}")


def _content_type(dialect: Dialect, book: ServerBook) -> str:
    if book.extension == "cbz":
        return dialect.cbz_type
    return CONTENT_TYPES.get(book.extension, "application/octet-stream")
