"""Which request of a browser is answered by what, and what needs no account at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from booklore_core.testing.orbit import (
    attempts,
    catalogue,
    orbit_progress,
    orbit_web,
    session_stats,
    web_devices,
    web_library,
    web_marks,
    web_reading,
)
from booklore_core.testing.orbit.orbit_state import (
    Fields,
    OrbitRefusal,
    OrbitState,
    OrbitUser,
    answer_of,
)
from booklore_core.testing.server.answers import Answer
from booklore_core.testing.server.routing import ServerRequest

API = "/api/v1"
HEALTH = {"database": {"status": "up"}}
NOT_JSON = "Body is not valid JSON but content-type is set to 'application/json'"
APP_INFO = {
    "version": catalogue.VERSION["serverVersion"], "updateAvailable": None, "latestVersion": None,
    "maxUploadSizeMb": 500,
}  # fmt: skip

Handler = Callable[[OrbitState, OrbitUser, ServerRequest, tuple[str, ...]], Any]
Route = tuple[str, str, int, Handler]


def read(request: ServerRequest) -> Any:
    """The body of a request; one that is empty, a form or a text counts as an object without much in it."""
    kind = request.headers.get("content-type", "")
    if "urlencoded" in kind:
        return dict(pair.split("=") for pair in request.body.decode().split("&") if "=" in pair)
    if not request.body or "json" not in kind:
        return {}
    try:
        return json.loads(request.body)
    except ValueError:
        raise OrbitRefusal(400, NOT_JSON) from None


def web_routes() -> list[Route]:
    """Those that a login in a browser opens."""
    return [*account_routes(), *reading_routes(), *library_routes(), *mark_routes()]


def account_routes() -> list[Route]:
    reader, links, unmatched = f"{API}/koreader", f"{API}/koreader/hash-links", f"{API}/koreader/unmatched-books"
    account, device = f"{reader}/credentials", f"{reader}/devices/([^/]+)"
    return [
        ("GET", f"{API}/auth/me", 200, lambda s, u, r, p: orbit_web.about(u)),
        ("GET", f"{API}/app-info", 200, lambda s, u, r, p: APP_INFO),
        ("GET", f"{reader}/sync-status", 200, lambda s, u, r, p: web_devices.get_status(s, u)),
        ("GET", account, 200, lambda s, u, r, p: web_devices.credentials(u)),
        ("POST", account, 201, lambda s, u, r, p: web_devices.make_credentials(s, u, read(r))),
        ("PATCH", account, 200, lambda s, u, r, p: web_devices.change_credentials(s, u, read(r))),
        ("POST", f"{reader}/test-connection", 201, lambda s, u, r, p: web_devices.test_connection(s, u, read(r))),
        ("GET", f"{reader}/devices", 200, lambda s, u, r, p: web_devices.list_devices(s, u)),
        ("PATCH", device, 200, lambda s, u, r, p: web_devices.retire(s, u, p[0], read(r))),
        ("DELETE", device, 200, lambda s, u, r, p: web_devices.remove(s, u, p[0])),
        ("GET", unmatched, 200, lambda s, u, r, p: orbit_web.list_unmatched(s, u)),
        ("POST", f"{unmatched}/([^/]+)/link", 201, lambda s, u, r, p: orbit_web.link(s, u, p[0], read(r), True)),
        ("DELETE", f"{unmatched}/([^/]+)", 200, lambda s, u, r, p: orbit_web.dismiss(s, u, p[0])),
        ("GET", links, 200, lambda s, u, r, p: orbit_web.list_links(s, u)),
        ("PATCH", f"{links}/([^/]+)", 200, lambda s, u, r, p: orbit_web.link(s, u, p[0], read(r), False)),
        ("DELETE", f"{links}/([^/]+)", 200, lambda s, u, r, p: orbit_web.unlink(s, u, p[0])),
    ]


def reading_routes() -> list[Route]:
    """Sessions, places, and what follows from them."""
    books, place = f"{API}/books/([^/]+)", f"{API}/books/files/([^/]+)/progress"
    return [
        ("POST", f"{API}/books/files/([^/]+)/sessions", 204, web_session),
        ("POST", place, 201, web_position),
        ("GET", place, 200, lambda s, u, r, p: web_reading.get_web_progress(s, u, web_reading.file_of(s, u, p[0]))),
        (
            "POST", f"{books}/sessions", 201,
            lambda s, u, r, p: web_reading.post_manual_session(s, u, s.book_for(u, p[0]), read(r)),
        ),
        (
            "GET", f"{books}/sessions", 200,
            lambda s, u, r, p: session_stats.list_sessions(s, u, s.book_for(u, p[0]), r.query),
        ),
        (
            "DELETE", f"{books}/sessions/([^/]+)", 204,
            lambda s, u, r, p: orbit_web.delete_session(s, u, s.book_for(u, p[0]), p[1]),
        ),
        (
            "GET", f"{books}/reading-attempts", 200,
            lambda s, u, r, p: attempts.list_attempts(s, u, s.book_for(u, p[0])),
        ),
        (
            "GET", f"{API}/koreader/books/([^/]+)/progress", 200,
            lambda s, u, r, p: orbit_progress.get_book_progress(s, u, s.book_for(u, p[0])),
        ),
        (
            "PATCH", f"{books}/status", 200,
            lambda s, u, r, p: orbit_web.set_status(s, u, s.book_for(u, p[0]), read(r)),
        ),
    ]  # fmt: skip


def library_routes() -> list[Route]:
    books = f"{API}/books/([^/]+)"
    return [
        ("GET", f"{API}/books/search", 200, lambda s, u, r, p: web_library.search(s, u, r.query.get("q", ""))),
        ("GET", books, 200, lambda s, u, r, p: web_library.get_book(s, u, s.book_for(u, p[0]))),
        ("DELETE", f"{API}/books", 204, lambda s, u, r, p: web_library.delete_books(s, u, read(r))),
        ("GET", f"{API}/books/files/([^/]+)/serve", 200, lambda s, u, r, p: web_library.serve(s, u, p[0], r)),
        ("PATCH", f"{API}/libraries/(\\d+)", 200, lambda s, u, r, p: web_library.change_library(s, u, p[0], read(r))),
        (
            "PATCH", f"{books}/metadata", 200,
            lambda s, u, r, p: web_library.change_metadata(s, u, s.book_for(u, p[0]), read(r)),
        ),
    ]  # fmt: skip


def mark_routes() -> list[Route]:
    marks, ears = f"{API}/books/([^/]+)/annotations", f"{API}/books/([^/]+)/bookmarks"
    return [
        ("GET", f"{API}/annotations", 200, lambda s, u, r, p: web_marks.list_all(s, u, r.query)),
        ("POST", f"{API}/annotations/([^/]+)/restore", 200, lambda s, u, r, p: web_marks.restore(s, u, p[0])),
        ("GET", marks, 200, lambda s, u, r, p: web_marks.annotations_of(s, u, s.book_for(u, p[0]))),
        ("POST", marks, 201, lambda s, u, r, p: web_marks.make_annotation(s, u, s.book_for(u, p[0]), read(r))),
        ("PATCH", f"{marks}/([^/]+)", 200, patch_annotation),
        ("DELETE", f"{marks}/([^/]+)", 204, trash_annotation),
        ("GET", ears, 200, lambda s, u, r, p: orbit_web.bookmarks_of(s, u, s.book_for(u, p[0]))),
        ("POST", ears, 201, lambda s, u, r, p: orbit_web.make_bookmark(s, u, s.book_for(u, p[0]), read(r))),
        (
            "DELETE", f"{ears}/([^/]+)", 204,
            lambda s, u, r, p: orbit_web.delete_bookmark(s, u, s.book_for(u, p[0]), p[1]),
        ),
    ]  # fmt: skip


def web_session(state: OrbitState, user: OrbitUser, request: ServerRequest, parts: tuple[str, ...]) -> None:
    web_reading.post_web_session(state, user, web_reading.file_of(state, user, parts[0]), read(request))


def web_position(state: OrbitState, user: OrbitUser, request: ServerRequest, parts: tuple[str, ...]) -> None:
    web_reading.post_web_progress(state, user, web_reading.file_of(state, user, parts[0]), read(request))


def patch_annotation(state: OrbitState, user: OrbitUser, request: ServerRequest, parts: tuple[str, ...]) -> Fields:
    book = state.book_for(user, parts[0])
    row = web_marks.annotation_of(state, user, parts[1], book)
    web_marks.edit_annotation(row, read(request), state.now())
    return web_marks.annotation_json(book, row)


def trash_annotation(state: OrbitState, user: OrbitUser, request: ServerRequest, parts: tuple[str, ...]) -> None:
    book = state.book_for(user, parts[0])
    web_marks.trash(web_marks.annotation_of(state, user, parts[1], book), state.now())


def no_accounts(state: OrbitState, request: ServerRequest) -> Answer:
    raise OrbitRefusal(403, "Registration disabled. Create credentials in BookOrbit settings.")


OPEN: dict[tuple[str, str], Callable[[OrbitState, ServerRequest], Answer]] = {
    ("GET", f"{API}/health"): lambda state, request: answer_of(
        {"status": "ok", "info": HEALTH, "error": {}, "details": HEALTH}
    ),
    ("GET", f"{API}/auth/setup-status"): lambda state, request: answer_of(
        {"needsSetup": False, "allowRegistration": False}
    ),
    ("POST", f"{API}/koreader/users/create"): no_accounts,
    ("POST", f"{API}/auth/login"): lambda state, request: answer_of(orbit_web.log_in(state, read(request))),
}
