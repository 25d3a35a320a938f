"""Highlights and the notes that hang on a place in the text. Source: server-contract.md 7.1, 7.2."""

from __future__ import annotations

import re
from collections.abc import Iterable

from booklore_core.testing.server.answers import Answer, Refusal, empty_answer, invalid, json_answer, unexpected
from booklore_core.testing.server.dialects import Dialect
from booklore_core.testing.server.fields import Body, characters, limited_bytes, text, whole
from booklore_core.testing.server.owned_rows import own_row, own_rows_of_book, shown
from booklore_core.testing.server.routing import Route, ServerRequest
from booklore_core.testing.server.state import Row, State
from booklore_core.testing.server.users import folded

STYLES = ("highlight", "underline", "strikethrough", "squiggly")
CFI_LENGTH, TITLE_LENGTH, TEXT_LENGTH = 1000, 500, 5000


def annotation_routes(dialect: Dialect) -> Iterable[Route]:
    yield Route("POST", "/api/v1/annotations", post_annotation)
    yield Route("GET", "/api/v1/annotations/book/{bookId:long}", annotations_of_book)
    yield Route("GET", "/api/v1/annotations/{id:long}", get_annotation)
    yield Route("PUT", "/api/v1/annotations/{id:long}", put_annotation)
    yield Route("DELETE", "/api/v1/annotations/{id:long}", delete_annotation)
    yield Route("POST", "/api/v2/book-notes", post_note)
    yield Route("GET", "/api/v2/book-notes/book/{bookId:long}", notes_of_book)
    yield Route("GET", "/api/v2/book-notes/{id:long}", get_note)
    yield Route("PUT", "/api/v2/book-notes/{id:long}", put_note)
    yield Route("DELETE", "/api/v2/book-notes/{id:long}", delete_note)


def post_annotation(state: State, request: ServerRequest) -> Answer:
    """409 for a second one at the same CFI, which is compared as the database compares texts."""
    body = request.object()
    details = [*_missing(body, ("cfi", "CFI"), ("text", "Text")), *_annotation_faults(body)]
    if details:
        raise invalid(*details)
    row = {
        "cfi": text(body, "cfi"),
        "text": text(body, "text"),
        "color": text(body, "color") or "#FFFF00",
        "style": text(body, "style") or "highlight",
        "note": text(body, "note"),
        "chapterTitle": text(body, "chapterTitle"),
    }
    return _create(state, request, "annotations", row, "Annotation already exists at this location")


def put_annotation(state: State, request: ServerRequest) -> Answer:
    """Only colour, style and note change; null keeps what is there."""
    body = request.object()
    details = _annotation_faults({name: value for name, value in body.items() if name in ("color", "style", "note")})
    row = own_row(state.annotations, request)
    if details:
        raise invalid(*details)
    return _change(state, row, {name: text(body, name) for name in ("color", "style", "note")})


def get_annotation(state: State, request: ServerRequest) -> Answer:
    return json_answer(shown(own_row(state.annotations, request)))


def annotations_of_book(state: State, request: ServerRequest) -> Answer:
    return json_answer(own_rows_of_book(state.annotations, request))


def delete_annotation(state: State, request: ServerRequest) -> Answer:
    del state.annotations.rows[own_row(state.annotations, request)["id"]]
    return empty_answer(204)


def post_note(state: State, request: ServerRequest) -> Answer:
    body = request.object()
    details = [*_missing(body, ("cfi", "CFI"), ("noteContent", "Note content")), *_place_faults(body)]
    if characters(text(body, "selectedText")) > TEXT_LENGTH:
        details.append("selectedText: Selected text must not exceed 5000 characters")
    if details:
        raise invalid(*details)
    names = ("cfi", "selectedText", "noteContent", "color", "chapterTitle")
    row = {name: text(body, name) for name in names}
    limited_bytes(row["noteContent"])
    return _create(state, request, "notes", row, "Note already exists at this location")


def put_note(state: State, request: ServerRequest) -> Answer:
    body = request.object()
    details = _place_faults({name: value for name, value in body.items() if name in ("color", "chapterTitle")})
    row = own_row(state.notes, request)
    if details:
        raise invalid(*details)
    limited_bytes(text(body, "noteContent"))
    return _change(state, row, {name: text(body, name) for name in ("noteContent", "color", "chapterTitle")})


def get_note(state: State, request: ServerRequest) -> Answer:
    return json_answer(shown(own_row(state.notes, request)))


def notes_of_book(state: State, request: ServerRequest) -> Answer:
    return json_answer(own_rows_of_book(state.notes, request))


def delete_note(state: State, request: ServerRequest) -> Answer:
    del state.notes.rows[own_row(state.notes, request)["id"]]
    return empty_answer(204)


def _create(state: State, request: ServerRequest, table_name: str, row: Row, taken: str) -> Answer:
    table = state.annotations if table_name == "annotations" else state.notes
    book_id = whole(request.object(), "bookId")
    if book_id not in state.books:
        raise unexpected(404)
    mine = table.where(userId=request.user.id, bookId=book_id)
    if any(folded(other["cfi"]) == folded(row["cfi"]) for other in mine):
        raise Refusal(409, taken)
    origin = {"userId": request.user.id, "bookId": book_id}
    stored = table.insert({**origin, **row, "createdAt": state.now(), "updatedAt": state.now()})
    return json_answer(shown(stored, fresh=True))


def _change(state: State, row: Row, changes: Row) -> Answer:
    row |= {name: value for name, value in changes.items() if value is not None}
    row["updatedAt"] = state.now()
    return json_answer(shown(row))


def _missing(body: Body, *required: tuple[str, str]) -> list[str]:
    missing = [f"{name}: {label} is required" for name, label in required if not text(body, name)]
    return missing if body.get("bookId") is not None else [*missing, "bookId: Book ID is required"]


def _annotation_faults(body: Body) -> list[str]:
    details = _place_faults(body)
    for name, label in (("text", "Text"), ("note", "Note")):
        if characters(text(body, name)) > TEXT_LENGTH:
            details.append(f"{name}: {label} must not exceed {TEXT_LENGTH} characters")
    style = text(body, "style")
    if style is not None and style not in STYLES:
        details.append(f"style: Style must be one of: {', '.join(STYLES)}")
    return details


def _place_faults(body: Body) -> list[str]:
    details = []
    if characters(text(body, "cfi")) > CFI_LENGTH:
        details.append(f"cfi: CFI must not exceed {CFI_LENGTH} characters")
    if characters(text(body, "chapterTitle")) > TITLE_LENGTH:
        details.append(f"chapterTitle: Chapter title must not exceed {TITLE_LENGTH} characters")
    color = text(body, "color")
    if color is not None and not re.fullmatch("#[0-9A-Fa-f]{6}", color):
        details.append("color: Color must be a valid hex color (e.g., #FFFF00)")
    return details
