"""Read status and stars. Source: server-contract.md 8."""

from __future__ import annotations

from collections.abc import Iterable

from booklore_core.testing.server.answers import (
    Answer,
    Refusal,
    book_not_found,
    conflict,
    empty_answer,
    instant_text,
    invalid,
    json_answer,
    malformed,
    unexpected,
)
from booklore_core.testing.server.dialects import Dialect
from booklore_core.testing.server.fields import choice, ids, text, whole
from booklore_core.testing.server.routing import Route, ServerRequest
from booklore_core.testing.server.state import State, refuse_unless

STATUSES = (
    "UNREAD",
    "READING",
    "RE_READING",
    "READ",
    "PARTIALLY_READ",
    "PAUSED",
    "WONT_READ",
    "ABANDONED",
    "UNSET",
)
SMALLEST, LARGEST = -128, 127
"""What the column holds; nobody checks for 1 to 10."""


def rating_routes(dialect: Dialect) -> Iterable[Route]:
    yield Route("POST", "/api/v1/books/status", put_status)
    yield Route("PUT", "/api/v1/books/personal-rating", put_ratings)
    yield Route("POST", "/api/v1/books/reset-personal-rating", reset_ratings)
    if dialect.has_app_api:
        yield Route("PUT", "/api/v1/app/books/{bookId:long}/status", put_app_status)
        yield Route("PUT", "/api/v1/app/books/{bookId:long}/rating", put_app_rating)


def put_status(state: State, request: ServerRequest) -> Answer:
    """An unknown name is taken as no status at all; every status but READ forgets the finish date."""
    body = request.object()
    book_ids, name = ids(body, "bookIds"), text(body, "status")
    missing = [] if book_ids else ["bookIds: Book IDs cannot be empty"]
    missing += [] if name is not None else ["status: Status cannot be null"]
    if missing or book_ids is None or name is None:
        raise invalid(*missing)
    if len(book_ids) > 1:
        refuse_unless(request.user, "bulk_status", state.dialect)
    _refuse_unknown(state, book_ids)
    status = name.upper() if name.upper() in STATUSES else None
    now = state.now()
    finished = now if status == "READ" else None
    for book_id in book_ids:
        progress = state.progress_of(request.user, book_id)
        progress.status, progress.finished, progress.last_read = status, finished, now
        state.note_status(book_id, progress)
    written = {"readStatus": status, "readStatusModifiedTime": instant_text(now, "microseconds")}
    written["dateFinished"] = None if finished is None else instant_text(finished, "microseconds")
    return json_answer([{"bookId": book_id, **written} for book_id in book_ids])


def put_ratings(state: State, request: ServerRequest) -> Answer:
    body = request.object()
    book_ids, rating = ids(body, "ids"), whole(body, "rating", 2**31 - 1)
    if book_ids is None:
        raise unexpected()
    _refuse_unknown(state, book_ids)
    return _rate(state, request, book_ids, rating)


def reset_ratings(state: State, request: ServerRequest) -> Answer:
    listed = request.json()
    if not isinstance(listed, list):
        raise malformed()
    book_ids = ids({"ids": listed}, "ids") or []
    _refuse_unknown(state, book_ids)
    return _rate(state, request, book_ids, None)


def _rate(state: State, request: ServerRequest, book_ids: list[int], rating: int | None) -> Answer:
    if rating is not None and not SMALLEST <= rating <= LARGEST:
        raise conflict()
    for book_id in book_ids:
        state.progress_of(request.user, book_id).rating = rating
    return json_answer([{"bookId": book_id, "personalRating": rating} for book_id in book_ids])


def put_app_status(state: State, request: ServerRequest) -> Answer:
    """Gentler than the other: an existing finish date stays."""
    status = choice(request.object(), "status", STATUSES)
    if status is None:
        raise invalid("status: Status is required")
    book_id = _visible_book(state, request)
    progress = state.progress_of(request.user, book_id)
    progress.status, progress.last_read = status, state.now()
    if status == "READ":
        progress.finished = progress.finished or state.now()
    state.note_status(book_id, progress)
    return empty_answer(200)


def put_app_rating(state: State, request: ServerRequest) -> Answer:
    rating = whole(request.object(), "rating", 2**31 - 1)
    if rating is not None and rating < 1:
        raise invalid("rating: Rating must be at least 1")
    if rating is not None and rating > 5:
        raise invalid("rating: Rating must be at most 5")
    state.progress_of(request.user, _visible_book(state, request)).rating = rating
    return empty_answer(200)


def _visible_book(state: State, request: ServerRequest) -> int:
    book = state.book(request.id("bookId"))
    if not request.user.sees(book.library_id):
        raise book_not_found(book.id)
    return book.id


def _refuse_unknown(state: State, book_ids: list[int]) -> None:
    if len(set(book_ids)) != len(book_ids) or not state.books.keys() >= set(book_ids):
        raise Refusal(400, "d != java.lang.String")
