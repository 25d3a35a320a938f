"""Bookmarks, and notes on a book as a whole. Source: server-contract.md 7.3, 7.4."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from booklore_core.testing.server.answers import Answer, Refusal, empty_answer, invalid, json_answer, unexpected
from booklore_core.testing.server.dialects import Dialect
from booklore_core.testing.server.fields import Body, characters, limited, limited_bytes, text, whole
from booklore_core.testing.server.owned_rows import own_row, own_rows_of_book, shown
from booklore_core.testing.server.routing import Route, ServerRequest
from booklore_core.testing.server.state import Row, State
from booklore_core.testing.server.users import folded

NEAR_MS = 5000
CFI_LENGTH, TITLE_LENGTH = 1000, 255
CHANGED_LENGTHS = {"title": 255, "cfi": 500, "notes": 2000}
"""Of what a change sets; one that makes a bookmark may have a longer CFI."""


def bookmark_routes(dialect: Dialect) -> Iterable[Route]:
    yield Route("POST", "/api/v1/bookmarks", post_bookmark)
    yield Route("GET", "/api/v1/bookmarks/book/{bookId:long}", bookmarks_of_book)
    yield Route("GET", "/api/v1/bookmarks/{id:long}", get_bookmark)
    yield Route("PUT", "/api/v1/bookmarks/{id:long}", put_bookmark)
    yield Route("DELETE", "/api/v1/bookmarks/{id:long}", delete_bookmark)
    yield Route("POST", "/api/v1/book-notes", post_book_note)
    yield Route("GET", "/api/v1/book-notes/book/{bookId:long}", book_notes)
    yield Route("DELETE", "/api/v1/book-notes/{id:long}", delete_book_note)


def post_bookmark(state: State, request: ServerRequest) -> Answer:
    """Without page numbers in the dialect, one for a page is an empty bookmark, as often as it is sent."""
    body = request.object()
    book_id = whole(body, "bookId")
    if book_id is None:
        raise invalid("bookId: Book ID is required")
    place = _place(state.dialect, body)
    if book_id not in state.books:
        raise unexpected(404)
    _refuse_taken(place, state.bookmarks.where(userId=request.user.id, bookId=book_id))
    limited(place["cfi"], CFI_LENGTH)
    row: dict[str, Any] = {"userId": request.user.id, "bookId": book_id, **place}
    row |= {"title": limited(text(body, "title"), TITLE_LENGTH), "color": None, "notes": None, "priority": 3}
    stored = state.bookmarks.insert({**row, "createdAt": state.now(), "updatedAt": state.now()})
    return json_answer(shown(stored, fresh=True))


def _place(dialect: Dialect, body: Body) -> Row:
    place: Row = {
        "cfi": text(body, "cfi"),
        "positionMs": whole(body, "positionMs"),
        "trackIndex": whole(body, "trackIndex"),
    }
    if dialect.bookmarks_have_pages:
        place["pageNumber"] = whole(body, "pageNumber")
        if place["pageNumber"] is not None and place["pageNumber"] < 1:
            raise invalid("pageNumber: Page number must be at least 1")
    return place


def _refuse_taken(place: Row, others: list[Row]) -> None:
    here = "Bookmark already exists at this location"
    cfi, position, page = place["cfi"], place["positionMs"], place.get("pageNumber")
    if cfi is not None:
        if any(other["cfi"] is not None and folded(other["cfi"]) == folded(cfi) for other in others):
            raise Refusal(409, here)
    elif position is not None:
        known = (other["positionMs"] for other in others if other["trackIndex"] == place["trackIndex"])
        if any(one is not None and abs(one - position) <= NEAR_MS for one in known):
            raise Refusal(409, here)
    elif page is not None and any(other["pageNumber"] == page for other in others):
        raise Refusal(409, "A bookmark already exists on this page")


def bookmarks_of_book(state: State, request: ServerRequest) -> Answer:
    return json_answer(own_rows_of_book(state.bookmarks, request))


def get_bookmark(state: State, request: ServerRequest) -> Answer:
    return json_answer(shown(own_row(state.bookmarks, request)))


def put_bookmark(state: State, request: ServerRequest) -> Answer:
    body = request.object()
    row = own_row(state.bookmarks, request)
    changes: Row = {name: text(body, name) for name in ("title", "cfi", "color", "notes")}
    changes["priority"] = whole(body, "priority")
    if state.dialect.bookmarks_have_pages:
        changes["pageNumber"] = whole(body, "pageNumber")
    if changes["priority"] is not None and not 1 <= changes["priority"] <= 5:
        raise invalid("priority: Priority must be between 1 and 5")
    long = [name for name, most in CHANGED_LENGTHS.items() if characters(changes[name]) > most]
    if long:
        raise invalid(*(f"{name}: size must be between 0 and {CHANGED_LENGTHS[name]}" for name in long))
    others = state.bookmarks.where(userId=row["userId"], bookId=row["bookId"])
    if changes["cfi"] is not None:
        _refuse_taken({**changes, "positionMs": None}, [other for other in others if other is not row])
    row |= {name: value for name, value in changes.items() if value is not None}
    row["updatedAt"] = state.now()
    return json_answer(shown(row))


def delete_bookmark(state: State, request: ServerRequest) -> Answer:
    del state.bookmarks.rows[own_row(state.bookmarks, request)["id"]]
    return empty_answer(204)


def post_book_note(state: State, request: ServerRequest) -> Answer:
    """Makes one, or changes the one whose id is sent; nothing is recognised as a repeat."""
    body = request.object()
    note_id, book_id, content = whole(body, "id"), whole(body, "bookId"), text(body, "content")
    if not content:
        raise invalid("content: Content is required")
    state.book(book_id)
    title = limited(text(body, "title"), TITLE_LENGTH)
    facts = {"userId": request.user.id, "bookId": book_id, "title": title, "content": limited_bytes(content)}
    if note_id is None:
        times = {"createdAt": state.now(), "updatedAt": state.now()}
        return json_answer(shown(state.book_notes.insert({**facts, **times}), fresh=True))
    known = state.book_notes.rows.get(note_id)
    if known is None or known["userId"] != request.user.id:
        raise unexpected(404)
    known |= {**facts, "updatedAt": state.now()}
    return json_answer(shown(known))


def book_notes(state: State, request: ServerRequest) -> Answer:
    return json_answer(own_rows_of_book(state.book_notes, request))


def delete_book_note(state: State, request: ServerRequest) -> Answer:
    del state.book_notes.rows[own_row(state.book_notes, request)["id"]]
    return empty_answer(204)
