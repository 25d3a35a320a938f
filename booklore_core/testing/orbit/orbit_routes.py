"""Which request is answered by what, and for whom."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

from booklore_core.testing.orbit import (
    book_states,
    catalogue,
    orbit_bookmarks,
    orbit_marks,
    orbit_progress,
    page_stats,
    web_library,
)
from booklore_core.testing.orbit.orbit_state import (
    Fields,
    OrbitRefusal,
    OrbitState,
    OrbitUser,
    answer_of,
)
from booklore_core.testing.orbit.web_routes import API, OPEN, Route, read, web_routes
from booklore_core.testing.server.answers import Answer
from booklore_core.testing.server.routing import ServerRequest

PLUGIN = f"{API}/koreader/plugin"
MOST_BYTES = 1024 * 1024
PAGE = b"<!doctype html><title>BookOrbit</title>\n"


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
        ("GET", f"{PLUGIN}/catalog/root", 200, lambda s, u, r, p: catalogue.get_root(s, u)),
        ("GET", books, 200, lambda s, u, r, p: catalogue.find_books(s, u, r.query)),
        ("GET", f"{books}/([^/]+)/thumbnail", 200, lambda s, u, r, p: web_library.thumbnail(s, u, p[0])),
        (
            "GET", f"{PLUGIN}/catalog/files/([^/]+)/download", 200,
            lambda s, u, r, p: web_library.download(s, u, p[0]),
        ),
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
        posts("annotations", orbit_marks.post_upload),
        posts("annotations/exchange", orbit_marks.post_annotations),
        posts(
            "annotations/exchange-ack",
            lambda state, user, body: orbit_marks.post_acknowledgements(state, user, body, state.annotations),
        ),
        posts("bookmarks/exchange", orbit_bookmarks.post_bookmarks),
        posts("bookmarks/exchange-ack", orbit_bookmarks.post_bookmark_acknowledgements),
        posts("book-states", book_states.post_book_states),
    ]  # fmt: skip


DEVICE = [(one[0], re.compile(one[1]), *one[2:]) for one in device_routes()]
WEB = [(one[0], re.compile(one[1]), *one[2:]) for one in web_routes()]


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
                return told if isinstance(told, Answer) else Answer(status) if told is None else answer_of(told, status)
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


def page(path: str) -> Answer:
    """What is not of the API: the web application, but for files."""
    if "." in path.rpartition("/")[2]:
        body = {"statusCode": 404, "message": "Not Found", "path": path}
        return answer_of(body, 404)
    return Answer(200, PAGE, "text/html; charset=utf-8")
