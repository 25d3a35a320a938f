"""Positions from devices and from the web reader, read status and stars."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from booklore_core.testing.server.answers import (
    Answer,
    Refusal,
    empty_answer,
    invalid,
    json_answer,
    unexpected,
)
from booklore_core.testing.server.dialects import Dialect
from booklore_core.testing.server.fields import Body, instant, limited, number, stored_float, text, whole
from booklore_core.testing.server.library import ServerBook
from booklore_core.testing.server.routing import Route, ServerRequest
from booklore_core.testing.server.state import Progress, State

READ_FROM, READING_FROM = 99.5, 0.25
"""Percent at which a pushed position forces READ and READING; below the second it forces UNREAD."""
POSITION_LENGTH, DEVICE_LENGTH = 1000, 100


def progress_routes(dialect: Dialect) -> Iterable[Route]:
    yield Route("GET", "/api/koreader/users/auth", authorise)
    yield Route("POST", "/api/koreader/users/create", refuse_registration)
    yield Route("GET", "/api/koreader/syncs/progress/{digest}", get_position)
    yield Route("PUT", "/api/koreader/syncs/progress", put_position)
    yield Route("POST", "/api/v1/books/progress", put_web_progress)


def authorise(state: State, request: ServerRequest) -> Answer:
    """200 even while syncing is off."""
    return json_answer({"username": request.account.username})


def refuse_registration(state: State, request: ServerRequest) -> Answer:
    return json_answer({"error": "User registration via Koreader is disabled"}, 403)


def get_position(state: State, request: ServerRequest) -> Answer:
    """The device is always "BookLore", or the one that pushed last, whoever has moved the position since; fields are
    null when the row exists for other reasons."""
    digest = str(request.variables["digest"])
    book = _synced_book(state, request, digest)
    progress = state.progress.get((request.account.user_id, book.id))
    if progress is None:
        raise Refusal(404, "No progress found for user and book")
    timestamp = None if progress.synced is None else int(progress.synced)
    place = {"timestamp": timestamp, "document": digest, "percentage": progress.percentage}
    known = progress.device if state.dialect.tells_last_device else None
    device, device_id = known or ("BookLore", "BookLore")
    return json_answer(place | {"progress": progress.position, "device": device, "device_id": device_id})


def put_position(state: State, request: ServerRequest) -> Answer:
    """The last writer wins, whatever timestamp is sent, and the read status is forced."""
    body = request.object()
    percentage, position = stored_float(number(body, "percentage")), text(body, "progress")
    whole(body, "timestamp")
    book = _synced_book(state, request, text(body, "document"))
    if percentage is None and not state.dialect.null_percentage_erases:
        raise unexpected()
    limited(position, POSITION_LENGTH)
    limited(text(body, "device"), DEVICE_LENGTH)
    limited(text(body, "device_id"), DEVICE_LENGTH)
    progress = state.progress_of(state.users[request.account.user_id], book.id)
    progress.percentage, progress.position = percentage, position
    progress.device = (text(body, "device"), text(body, "device_id"))
    progress.synced = progress.last_read = state.now()
    if percentage is not None:
        _force_status(progress, percentage * 100, state.now())
        state.note_status(book.id, progress)
        if request.account.web_reader:
            progress.web_percent, progress.cfi = percentage * 100, _place_in_book(position)
    now = {"at": progress.synced, "status": progress.status, "finished": progress.finished}
    state.pushes.append({**body, "bookId": book.id, "percentage": percentage, **now})
    return json_answer({"status": "progress updated"})


def _synced_book(state: State, request: ServerRequest, digest: str | None) -> ServerBook:
    if not request.account.sync:
        raise Refusal(401, "Sync is disabled for this user")
    book = state.book_of_digest(digest)
    if book is None:
        raise Refusal(404, f"Book not found for hash {'null' if digest is None else digest}")
    return book


def _force_status(progress: Progress, percent: float, now: float) -> None:
    percent = round(percent, 4)
    if percent >= READ_FROM:
        progress.status, progress.finished = "READ", now
    else:
        progress.status = "READING" if percent >= READING_FROM else "UNREAD"


def _place_in_book(position: str | None) -> str | None:
    """Some CFI in the chapter that the xpointer names; the real servers find the very word."""
    found = re.search(r"DocFragment(?:\[(\d+)])?", position or "")
    return f"epubcfi(/6/{2 * int(found.group(1) or 1)}!/4/2:0)" if found else None


def _xpointer_of(cfi: str | None) -> str | None:
    found = re.match(r"epubcfi\(/6/(\d+)", cfi or "")
    return f"/body/DocFragment[{int(found.group(1)) // 2}]/body" if found else None


def put_web_progress(state: State, request: ServerRequest) -> Answer:
    """What the web reader writes: never a lower status, and the finish date as it is told."""
    body = request.object()
    book = state.book(whole(body, "bookId"))
    progress = state.progress_of(request.user, book.id)
    _write_legacy_place(progress, body)
    finished = instant(body, "dateFinished")
    if finished is not None:
        progress.finished = finished
    progress.last_read = state.now()
    of_file = body.get("fileProgress")
    if isinstance(of_file, dict):
        _write_file_progress(state, request, book, of_file)
    state.note_status(book.id, progress)
    return empty_answer(204)


def _write_legacy_place(progress: Progress, body: Body) -> None:
    """The older fields keep the place and lose the percentage."""
    epub, paged = body.get("epubProgress"), body.get("pdfProgress") or body.get("cbxProgress")
    if isinstance(epub, dict):
        progress.cfi, progress.href = text(epub, "cfi"), text(epub, "href")
    if isinstance(paged, dict):
        progress.page = whole(paged, "page")


def _write_file_progress(state: State, request: ServerRequest, book: ServerBook, of_file: dict[str, Any]) -> None:
    percent = stored_float(number(of_file, "progressPercent"))
    if percent is not None and not 0 <= percent <= 100:
        raise invalid("fileProgress.progressPercent: must be between 0 and 100")
    progress = state.progress_of(request.user, book.id)
    progress.web_percent, progress.cfi = percent, text(of_file, "positionData")
    progress.href = text(of_file, "positionHref")
    if percent is None:
        return
    if percent >= READ_FROM and progress.status != "READ":
        progress.status, progress.finished = "READ", progress.finished or state.now()
    elif percent > READING_FROM and progress.status in (None, "UNREAD", "UNSET"):
        progress.status = "READING"
    account = state.koreader.get(request.user.id)
    if state.dialect.web_progress_reaches_device and account is not None and account.web_reader:
        progress.percentage, progress.synced = stored_float(percent / 100), state.now()
        progress.position = _xpointer_of(progress.cfi)
