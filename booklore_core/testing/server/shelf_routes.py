"""Shelves and what stands on them. Source: server-contract.md 9."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from booklore_core.testing.server.answers import Answer, Refusal, empty_answer, invalid, json_answer, unexpected
from booklore_core.testing.server.book_json import book_object, shelf_object
from booklore_core.testing.server.dialects import Dialect
from booklore_core.testing.server.fields import choice, flag, ids, text
from booklore_core.testing.server.routing import Route, ServerRequest
from booklore_core.testing.server.state import Row, State
from booklore_core.testing.server.users import same_name

ENRICHED = ("readStatus", "koreaderProgress", "epubProgress", "pdfProgress", "cbxProgress", "personalRating")
ENRICHED_TIMES = ("dateFinished", "lastReadTime")


def shelf_routes(dialect: Dialect) -> Iterable[Route]:
    yield Route("GET", "/api/v1/shelves", shelves)
    yield Route("POST", "/api/v1/shelves", post_shelf)
    yield Route("GET", "/api/v1/shelves/{id:long}/books", books_of_shelf)
    yield Route("DELETE", "/api/v1/shelves/{id:long}", delete_shelf)
    yield Route("POST", "/api/v1/books/shelves", assign)


def shelves(state: State, request: ServerRequest) -> Answer:
    """The caller's own and everybody's public ones."""
    return json_answer([shelf_object(shelf) for shelf in state.shelves.rows.values() if _readable(shelf, request)])


def post_shelf(state: State, request: ServerRequest) -> Answer:
    body = request.object()
    name, public = text(body, "name"), flag(body, "publicShelf")
    icon = {"icon": text(body, "icon"), "iconType": choice(body, "iconType", state.dialect.icon_types)}
    if not name:
        raise invalid("name: Shelf name must not be empty.")
    if public and not request.user.is_admin:
        raise Refusal(403, state.dialect.public_shelf_denied)
    if any(same_name(shelf["name"], name) for shelf in state.shelves.where(userId=request.user.id)):
        raise Refusal(409, f"Shelf already exists: {name}")
    shelf: Row = {"name": name, **icon, "userId": request.user.id, "publicShelf": public, "books": set()}
    return json_answer(shelf_object(state.shelves.insert(shelf)), 201)


def books_of_shelf(state: State, request: ServerRequest) -> Answer:
    """Whole Books, whatever library they are in, without the caller's progress."""
    shelf = state.shelves.rows.get(request.id("id"))
    if shelf is None or not _readable(shelf, request):
        raise Refusal(403, state.dialect.denied)
    listed = [book_object(state, state.books[book_id], request.user) for book_id in sorted(shelf["books"])]
    bare = [{name: value for name, value in book.items() if name not in ENRICHED + ENRICHED_TIMES} for book in listed]
    return json_answer(bare)


def delete_shelf(state: State, request: ServerRequest) -> Answer:
    shelf = state.shelves.rows.get(request.id("id"))
    if shelf is None or shelf["userId"] != request.user.id:
        raise Refusal(403, state.dialect.denied)
    del state.shelves.rows[shelf["id"]]
    return empty_answer(204)


def assign(state: State, request: ServerRequest) -> Answer:
    """Unassigns, then assigns. The answer counts the shelves' books as they were before."""
    body = request.object()
    book_ids, added, removed = (ids(body, name) for name in ("bookIds", "shelvesToAssign", "shelvesToUnassign"))
    if book_ids is None or added is None or removed is None:
        raise unexpected()
    to_add, to_remove = _own(state, request, added, "assign"), _own(state, request, removed, "unassign")
    known = sorted(set(book_ids) & state.books.keys())
    counts = {shelf["id"]: len(shelf["books"]) for shelf in state.shelves.rows.values()}
    for shelf in to_remove:
        shelf["books"].difference_update(known)
    for shelf in to_add:
        shelf["books"].update(known)
    return json_answer([_with_counts(book_object(state, state.books[one], request.user), counts) for one in known])


def _with_counts(book: dict[str, Any], counts: dict[int, int]) -> dict[str, Any]:
    return book | {"shelves": [{**shelf, "bookCount": counts[shelf["id"]]} for shelf in book["shelves"]]}


def _own(state: State, request: ServerRequest, shelf_ids: list[int], verb: str) -> list[Row]:
    found = [shelf for shelf in state.shelves.where(userId=request.user.id) if shelf["id"] in shelf_ids]
    if len(found) < len(set(shelf_ids)):
        raise Refusal(401, f"Cannot {verb} shelves that do not belong to the user.")
    return found


def _readable(shelf: Row, request: ServerRequest) -> bool:
    return bool(shelf["publicShelf"]) or shelf["userId"] == request.user.id
