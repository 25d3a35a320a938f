"""Which request is answered by what, and for whom."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from booklore_core.testing.orbit import (
    book_states,
    catalogue,
    orbit_bookmarks,
    orbit_marks,
    orbit_progress,
    orbit_web,
    page_stats,
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

API, PLUGIN = "/api/v1", "/api/v1/koreader/plugin"
MOST_BYTES = 1024 * 1024
PAGE = b"<!doctype html><title>BookOrbit</title>\n"
HEALTH = {"database": {"status": "up"}}
NOT_JSON = "Body is not valid JSON but content-type is set to 'application/json'"

Handler = Callable[[OrbitState, OrbitUser, ServerRequest, tuple[str, ...]], Any]
Route = tuple[str, str, int, Handler]


def posts(name: str, handler: Callable[[OrbitState, OrbitUser, Any], Fields]) -> Route:
    return "POST", f"{PLUGIN}/{name}", 201, lambda state, user, request, _: handler(state, user, read(request))


def device_routes() -> list[Route]:
    """Those that the device key opens."""
    progress, books = f"{API}/koreader/syncs/progress", f"{PLUGIN}/catalog/books"
    return [
        ("GET", f"{API}/koreader/users/auth", 200, lambda s, u, r, p: {"authorized": "OK", "username": u.reader}),
        ("GET", f"{PLUGIN}/version", 200, lambda s, u, r, p: catalogue.VERSION),
        ("PUT", progress, 200, lambda s, u, r, p: orbit_progress.put_progress(s, u, read(r))),
        ("GET", f"{progress}/([^/]+)", 200, lambda s, u, r, p: orbit_progress.get_progress(s, u, p[0])),
        ("GET", books, 200, lambda s, u, r, p: catalogue.find_books(s, u, r.query)),
        ("GET", f"{books}/([^/]+)", 200, lambda s, u, r, p: catalogue.get_book(s, u, p[0])),
        ("GET", f"{PLUGIN}/catalog/manifest", 200, lambda s, u, r, p: catalogue.get_manifest(s, u, r.query)),
        ("PUT", f"{books}/([^/]+)/rating", 200, lambda s, u, r, p: book_states.put_rating(s, u, p[0], read(r))),
        (
            "PUT", f"{books}/([^/]+)/read-status", 200,
            lambda s, u, r, p: book_states.put_read_status(s, u, p[0], read(r)),
        ),
        posts("match-check", catalogue.post_match_check),
        posts("sweeps", catalogue.post_sweep),
        posts("page-stats", page_stats.post_page_stats),
        posts("progress", orbit_progress.post_progress),
        posts("annotations/exchange", orbit_marks.post_annotations),
        posts(
            "annotations/exchange-ack",
            lambda state, user, body: orbit_marks.post_acknowledgements(state, user, body, state.annotations),
        ),
        posts("bookmarks/exchange", orbit_bookmarks.post_bookmarks),
        posts("bookmarks/exchange-ack", orbit_bookmarks.post_bookmark_acknowledgements),
        posts("book-states", book_states.post_book_states),
    ]  # fmt: skip


def browser_routes() -> list[Route]:
    """What is read in a browser."""
    books = f"{API}/books/([^/]+)"
    return [
        ("POST", f"{API}/books/files/([^/]+)/sessions", 204, web_session),
        ("POST", f"{API}/books/files/([^/]+)/progress", 201, web_position),
        (
            "GET", f"{API}/books/files/([^/]+)/progress", 200,
            lambda s, u, r, p: web_reading.get_web_progress(s, u, web_reading.file_of(s, u, p[0])),
        ),
        (
            "POST", f"{books}/sessions", 201,
            lambda s, u, r, p: web_reading.post_manual_session(s, u, s.book_for(u, p[0]), read(r)),
        ),
    ]  # fmt: skip


def web_routes() -> list[Route]:
    """Those that a login in a browser opens."""
    books, links, unmatched = f"{API}/books/([^/]+)", f"{API}/koreader/hash-links", f"{API}/koreader/unmatched-books"
    return [
        ("GET", f"{API}/auth/me", 200, lambda s, u, r, p: orbit_web.about(u)),
        ("GET", f"{API}/app-info", 200, lambda s, u, r, p: APP_INFO),
        ("GET", f"{API}/koreader/sync-status", 200, lambda s, u, r, p: {}),
        ("GET", f"{API}/koreader/credentials", 200, credentials),
        ("GET", unmatched, 200, lambda s, u, r, p: orbit_web.list_unmatched(s, u)),
        ("POST", f"{unmatched}/([^/]+)/link", 201, lambda s, u, r, p: orbit_web.link(s, u, p[0], read(r), True)),
        ("DELETE", f"{unmatched}/([^/]+)", 200, lambda s, u, r, p: orbit_web.dismiss(s, u, p[0])),
        ("GET", links, 200, lambda s, u, r, p: orbit_web.list_links(s, u)),
        ("PATCH", f"{links}/([^/]+)", 200, lambda s, u, r, p: orbit_web.link(s, u, p[0], read(r), False)),
        ("DELETE", f"{links}/([^/]+)", 200, lambda s, u, r, p: orbit_web.unlink(s, u, p[0])),
        ("GET", books, 200, lambda s, u, r, p: catalogue.get_book(s, u, p[0])),
        (
            "GET", f"{books}/sessions", 200,
            lambda s, u, r, p: orbit_web.list_sessions(s, u, s.book_for(u, p[0]), r.query),
        ),
        (
            "DELETE", f"{books}/sessions/([^/]+)", 204,
            lambda s, u, r, p: orbit_web.delete_session(s, u, s.book_for(u, p[0]), p[1]),
        ),
        ("GET", f"{books}/annotations", 200, lambda s, u, r, p: orbit_web.annotations_of(s, u, s.book_for(u, p[0]))),
        ("PATCH", f"{books}/annotations/([^/]+)", 200, patch_annotation),
        ("DELETE", f"{books}/annotations/([^/]+)", 204, trash_annotation),
        ("POST", f"{API}/annotations/([^/]+)/restore", 200, lambda s, u, r, p: orbit_web.restore(s, u, p[0])),
        ("GET", f"{books}/bookmarks", 200, lambda s, u, r, p: orbit_web.bookmarks_of(s, u, s.book_for(u, p[0]))),
        (
            "POST", f"{books}/bookmarks", 201,
            lambda s, u, r, p: orbit_web.make_bookmark(s, u, s.book_for(u, p[0]), read(r)),
        ),
        (
            "DELETE", f"{books}/bookmarks/([^/]+)", 204,
            lambda s, u, r, p: orbit_web.delete_bookmark(s, u, s.book_for(u, p[0]), p[1]),
        ),
        (
            "PATCH", f"{books}/status", 200,
            lambda s, u, r, p: orbit_web.set_status(s, u, s.book_for(u, p[0]), read(r)),
        ),
    ]  # fmt: skip


APP_INFO = {
    "version": catalogue.VERSION["serverVersion"], "updateAvailable": None, "latestVersion": None,
    "maxUploadSizeMb": 500,
}  # fmt: skip


def credentials(state: OrbitState, user: OrbitUser, request: ServerRequest, parts: tuple[str, ...]) -> Fields:
    return {"username": user.reader, "syncEnabled": user.sync, "createdAt": "2026-08-18T00:00:00.000Z"}


def web_session(state: OrbitState, user: OrbitUser, request: ServerRequest, parts: tuple[str, ...]) -> None:
    web_reading.post_web_session(state, user, web_reading.file_of(state, user, parts[0]), read(request))


def web_position(state: OrbitState, user: OrbitUser, request: ServerRequest, parts: tuple[str, ...]) -> None:
    web_reading.post_web_progress(state, user, web_reading.file_of(state, user, parts[0]), read(request))


def patch_annotation(state: OrbitState, user: OrbitUser, request: ServerRequest, parts: tuple[str, ...]) -> Fields:
    book = state.book_for(user, parts[0])
    row = orbit_web.annotation_of(state, user, parts[1], book)
    orbit_web.edit_annotation(row, read(request), state.now())
    return orbit_web.annotation_json(book, row)


def trash_annotation(state: OrbitState, user: OrbitUser, request: ServerRequest, parts: tuple[str, ...]) -> None:
    orbit_web.annotation_of(state, user, parts[1], state.book_for(user, parts[0]))["is_deleted"] = True


DEVICE = [(one[0], re.compile(one[1]), *one[2:]) for one in device_routes()]
WEB = [
    (method, re.compile(path), status, handler) for method, path, status, handler in (*browser_routes(), *web_routes())
]


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


def route(state: OrbitState, request: ServerRequest) -> Answer:
    """The answer to a request. Raises OrbitRefusal."""
    method, path = request.method, request.path
    if path.startswith("//"):
        raise OrbitRefusal(403, "Internal server error")
    if len(request.body) > MOST_BYTES:
        raise OrbitRefusal(413, "Request body is too large")
    if (method, path) in OPEN:
        return OPEN[method, path](state, request)
    for routes, who in ((DEVICE, reader_of), (WEB, visitor_of)):
        for wanted, pattern, status, handler in routes:
            found = pattern.fullmatch(path)
            if found and wanted == method:
                told = handler(state, who(state, request), request, found.groups())
                return Answer(status) if told is None else answer_of(told, status)
    raise OrbitRefusal(404, f"Cannot {method} {path}")


def reader_of(state: OrbitState, request: ServerRequest) -> OrbitUser:
    """Whose KOReader account it is."""
    name, key = request.headers.get("x-auth-user"), request.headers.get("x-auth-key")
    if not name or not key:
        raise OrbitRefusal(401, "Missing KOReader credentials")
    user = next((one for one in state.users if one.reader == name), None)
    if user and not user.sync:
        raise OrbitRefusal(403, "Sync is disabled")
    plain = hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()
    if user is None or user.key not in (key.lower(), plain):
        raise OrbitRefusal(401, "Invalid credentials")
    return user


def visitor_of(state: OrbitState, request: ServerRequest) -> OrbitUser:
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token not in state.tokens:
        raise OrbitRefusal(401, "Unauthorized")
    return state.tokens[token]


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


def page(path: str) -> Answer:
    """What is not of the API: the web application, but for files."""
    if "." in path.rpartition("/")[2]:
        body = {"statusCode": 404, "message": "Not Found", "path": path}
        return answer_of(body, 404)
    return Answer(200, PAGE, "text/html; charset=utf-8")
