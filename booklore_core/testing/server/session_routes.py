"""Reading sessions: single, in batches, and the pages they can be found on. Nothing is ever recognised as a repeat."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from booklore_core.testing.server.answers import (
    Answer,
    Refusal,
    conflict,
    empty_answer,
    instant_text,
    invalid,
    json_answer,
    local_text,
)
from booklore_core.testing.server.dialects import Dialect
from booklore_core.testing.server.fields import (
    BOOK_TYPES,
    Body,
    choice,
    instant,
    limited,
    number,
    objects,
    storable,
    stored_float,
    text,
    whole,
)
from booklore_core.testing.server.late import TableLocked
from booklore_core.testing.server.routing import Route, ServerRequest
from booklore_core.testing.server.state import Row, State, refuse_unless_visible

LOCATION_LENGTH = 500
FORMATTED_LENGTH = 50
SHOWN = (
    "id",
    "bookId",
    "bookTitle",
    "bookType",
    "startTime",
    "endTime",
    "durationSeconds",
    "startProgress",
    "endProgress",
    "progressDelta",
    "startLocation",
    "endLocation",
    "createdAt",
)


def session_routes(dialect: Dialect) -> Iterable[Route]:
    yield Route("POST", "/api/v1/reading-sessions", post_session)
    yield Route("GET", "/api/v1/reading-sessions/book/{bookId:long}", sessions_of_book)
    if dialect.has_session_batch:
        yield Route("POST", "/api/v1/reading-sessions/batch", post_batch)


def post_session(state: State, request: ServerRequest) -> Answer:
    """202 and a row, however absurd the numbers are."""
    body = request.object()
    book_id, book_type = whole(body, "bookId"), choice(body, "bookType", BOOK_TYPES)
    session = _read_session(body)
    missing = [name for name in ("startTime", "endTime", "durationSeconds") if session[name] is None]
    if book_id is None:
        missing.append("bookId")
    if missing:
        raise invalid(*(f"{name}: must not be null" for name in missing))
    _refuse_stranger(state, request, book_id)
    if book_type is None:
        raise conflict()
    rows = [_checked(session)]

    def insert() -> Answer:
        _store(state, request, rows, book_id, book_type)
        return empty_answer(202)

    return _when_free(state, insert)


def post_batch(state: State, request: ServerRequest) -> Answer:
    """All or nothing: one bad session refuses the batch."""
    body = request.object()
    book_id, book_type = whole(body, "bookId"), choice(body, "bookType", BOOK_TYPES)
    sessions = [_read_session(entry) for entry in objects(body, "sessions") or ()]
    _refuse_incomplete_batch(book_id, book_type, sessions)
    _refuse_stranger(state, request, book_id)
    if any(session["endTime"] <= session["startTime"] for session in sessions):
        raise Refusal(400, "End time must be after start time")
    checked = [_checked(session) for session in sessions]

    def insert() -> Answer:
        rows = _store(state, request, checked, book_id, str(book_type))
        results = [{"sessionId": row["id"], **_times(row)} for row in rows]
        return json_answer({"totalRequested": len(rows), "successCount": len(rows), "results": results})

    return _when_free(state, insert)


def sessions_of_book(state: State, request: ServerRequest) -> Answer:
    """The caller's own, newest start first."""
    page, size = request.whole("page", 0), request.whole("size", 5)
    _refuse_page(page, size, state.dialect.session_page_limit)
    book = state.book(request.id("bookId"))
    user_id = request.user.id
    total = state.sessions.count(user_id, book.id)
    rows = state.sessions.page(user_id, book.id, page, size)
    described = {"size": size, "number": page, "totalElements": total, "totalPages": -(-total // size)}
    return json_answer({"content": [_shown(row, book.title) for row in rows], "page": described})


def _when_free(state: State, insert: Callable[[], Answer]) -> Answer:
    """Raises TableLocked while nothing can be inserted; everything else about the request has been checked by then."""
    if state.now() < state.sessions_locked_until:
        raise TableLocked(insert)
    return insert()


def _read_session(body: Body) -> Row:
    return {
        "startTime": instant(body, "startTime"),
        "endTime": instant(body, "endTime"),
        "durationSeconds": whole(body, "durationSeconds", 2**31 - 1),
        "durationFormatted": text(body, "durationFormatted"),
        "startProgress": stored_float(number(body, "startProgress")),
        "endProgress": stored_float(number(body, "endProgress")),
        "progressDelta": stored_float(number(body, "progressDelta")),
        "startLocation": text(body, "startLocation"),
        "endLocation": text(body, "endLocation"),
    }


def _checked(session: Row) -> Row:
    """The session, if its columns hold it; a data conflict otherwise."""
    storable(session["startTime"])
    storable(session["endTime"])
    limited(session["durationFormatted"], FORMATTED_LENGTH)
    limited(session["startLocation"], LOCATION_LENGTH)
    limited(session["endLocation"], LOCATION_LENGTH)
    return session


def _refuse_incomplete_batch(book_id: int | None, book_type: str | None, sessions: list[Row]) -> None:
    details = [] if book_type else ["bookType: Book type is required"]
    details += [] if sessions else ["sessions: Sessions list cannot be empty"]
    details += [] if book_id is not None else ["bookId: Book ID is required"]
    for index, session in enumerate(sessions):
        missing = [name for name in ("startTime", "endTime", "durationSeconds") if session[name] is None]
        details += [f"sessions[{index}].{name}: must not be null" for name in missing]
    if details:
        raise invalid(*details)


def _refuse_stranger(state: State, request: ServerRequest, book_id: int | None) -> None:
    book = state.book(book_id)
    if state.dialect.checks_session_access:
        refuse_unless_visible(request.user, book)


def _store(
    state: State, request: ServerRequest, sessions: list[Row], book_id: int | None, book_type: str
) -> list[dict[str, Any]]:
    origin = {"userId": request.user.id, "bookId": book_id, "bookType": book_type, "createdAt": state.now()}
    return [state.sessions.insert({**origin, **session}) for session in sessions]


def _refuse_page(page: int, size: int, limit: int) -> None:
    method = "getReadingSessionsForBook"
    if page < 0:
        raise invalid(f"{method}.page: must be greater than or equal to 0")
    if size < 1:
        raise invalid(f"{method}.size: must be greater than or equal to 1")
    if size > limit:
        raise invalid(f"{method}.size: must be less than or equal to {limit}")


def _shown(row: Row, title: str | None) -> Row:
    written = {
        **row,
        "bookTitle": title,
        **_times(row),
        "createdAt": local_text(row["createdAt"], "seconds"),
    }
    return {name: written[name] for name in SHOWN}


def _times(row: Row) -> dict[str, str]:
    return {name: instant_text(row[name]) for name in ("startTime", "endTime")}
