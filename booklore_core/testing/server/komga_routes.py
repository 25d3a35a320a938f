"""The Komga listing, the only place where the stock servers show a digest. Source: server-contract.md 5.2."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any

from booklore_core.testing.server.answers import (
    Answer,
    Refusal,
    conflict,
    empty_answer,
    invalid,
    json_answer,
    malformed,
    unexpected,
)
from booklore_core.testing.server.book_json import added_text
from booklore_core.testing.server.dialects import Dialect
from booklore_core.testing.server.fields import text
from booklore_core.testing.server.library import ServerBook
from booklore_core.testing.server.routing import Route, ServerRequest
from booklore_core.testing.server.state import State, refuse_unless
from booklore_core.testing.server.users import same_name

PROFILES = {"EPUB": ("application/epub+zip", "EPUB"), "PDF": ("application/pdf", "PDF")}
REALM = (("WWW-Authenticate", 'Basic realm="Booklore Komga API"'),)


def komga_routes(dialect: Dialect) -> Iterable[Route]:
    yield Route("PUT", "/api/v1/settings", put_settings)
    yield Route("POST", "/api/v2/opds-users", post_feed_user)
    yield Route("GET", "/komga/api/v1/books", komga_books)
    yield Route("GET", "/komga/api/v1/books/{id:long}", komga_book)


def put_settings(state: State, request: ServerRequest) -> Answer:
    refuse_unless(request.user, "admin", state.dialect)
    listed = request.json()
    if not isinstance(listed, list):
        raise malformed()
    state.settings |= {str(setting.get("name")): setting.get("value") for setting in listed}
    return empty_answer(200)


def post_feed_user(state: State, request: ServerRequest) -> Answer:
    """An account for OPDS and Komga, the third kind."""
    body = request.object()
    username, password = text(body, "username"), text(body, "password")
    if not username or not password:
        raise invalid("username: must not be blank")
    if _password_of(state, username) is not None:
        raise conflict()
    sort = text(body, "sortOrder") or "RECENT"
    stored = state.feed_users.insert({"userId": request.user.id, "username": username, "sortOrder": sort})
    state.settings[f"password of feed user {stored['id']}"] = password
    return json_answer(stored)


def komga_books(state: State, request: ServerRequest) -> Answer:
    """Every book, whoever asks."""
    refused = _refused(state, request)
    if refused is not None:
        return refused
    number, size = request.whole("page", 0), request.whole("size", 20)
    if number < 0 or size < 1:
        raise unexpected()
    library_id = request.whole("library_id", 0)
    books = [book for book in state.books.values() if library_id in (0, book.library_id)]
    shown = books[number * size : (number + 1) * size]
    pages = -(-len(books) // size)
    described = {
        "number": number,
        "size": size,
        "numberOfElements": len(shown),
        "totalElements": len(books),
        "totalPages": pages,
        "first": number == 0,
        "last": number + 1 >= pages,
        "empty": not shown,
    }
    return json_answer({"content": [_komga_object(state, book) for book in shown], **described})


def komga_book(state: State, request: ServerRequest) -> Answer:
    refused = _refused(state, request)
    if refused is not None:
        return refused
    if request.id("id") not in state.books:
        raise unexpected()
    return json_answer(_komga_object(state, state.books[request.id("id")]))


def _refused(state: State, request: ServerRequest) -> Answer | None:
    """The plain-text 401 of this chain, or None for a feed user; 403 while the setting is off."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme != "Basic":
        return Answer(401, b"HTTP Status 401 - Full authentication is required to access this resource", None, REALM)
    try:
        username, _, password = base64.b64decode(credentials).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        username, password = "", ""
    if not password or _password_of(state, username) != password:
        return Answer(401, b"HTTP Status 401 - Bad credentials", None, REALM)
    if not state.settings.get("KOMGA_API_ENABLED"):
        raise Refusal(403, "Komga API is disabled")
    return None


def _password_of(state: State, username: str) -> str | None:
    for user in state.feed_users.rows.values():
        if same_name(user["username"], username):
            return str(state.settings[f"password of feed user {user['id']}"])
    return None


def _komga_object(state: State, book: ServerBook) -> dict[str, Any]:
    media_type, profile = PROFILES.get(book.book_type, (state.dialect.cbz_type, "DIVINA"))
    added = added_text(book, state.started)
    written: dict[str, Any] = {
        "id": str(book.id),
        "seriesId": f"{book.library_id}-unknown-series",
        "seriesTitle": "Unknown Series",
        "libraryId": str(book.library_id),
        "url": f"/komga/api/v1/books/{book.id}",
        "number": 1,
        "created": added,
        "lastModified": added,
        "fileLastModified": added,
        "sizeBytes": book.size_kb * 1024,
        "size": f"{book.size_kb} KB",
        "media": {"status": "READY", "mediaType": media_type, "mediaProfile": profile, "pagesCount": 0},
        "metadata": _komga_metadata(state.dialect, book),
        "deleted": False,
        "fileHash": book.partial_md5,
        "oneshot": False,
    }
    return written if book.title is None else written | {"name": book.title}


def _komga_metadata(dialect: Dialect, book: ServerBook) -> dict[str, Any]:
    isbn = book.isbn13 or book.isbn10
    return {
        **({"title": book.title} if book.title else {}),
        **({"isbn": isbn[: dialect.isbn_column]} if isbn else {}),
        "summary": "",
        "number": "1.0",
        "numberSort": 1.0,
        "authors": [{"name": author, "role": "writer"} for author in book.authors],
        "tags": [],
        "links": [],
    }
