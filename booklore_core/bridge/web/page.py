"""The page as a part of the bridge: its calls beside `/v1`."""

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exception_handlers import http_exception_handler
from starlette.exceptions import HTTPException as StarletteHTTPException

from booklore_core.bridge.bridge import Bridge
from booklore_core.bridge.web import asking, checks, choices, door, ereaders, health, reading_view, shelf
from booklore_core.bridge.web.frame import News
from booklore_core.bridge.web.gate import Gate
from booklore_core.bridge.web.last_lines import LastLines
from booklore_core.bridge.web.route import dressed, told

API = ("/v1", "/kosync", "/openapi.json")
"""What is no view: it is answered as programs read it."""


async def tell_no_view(request: Request, error: Exception) -> Response:
    """Any other address, told as a view to who reads those."""
    assert isinstance(error, StarletteHTTPException)
    reads_views = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(API)
    if error.status_code == 404 and reads_views:
        return dressed(told(request, HTTPException(404, "There is no such view.")), request, None)
    return await http_exception_handler(request, error)


def add_page(app: FastAPI, bridge: Bridge, is_open: bool, address: str) -> None:
    """is_open: other computers may reach the bridge. address: where it is found by people, "" where nobody has said."""
    app.state.gate, app.state.news = Gate(bridge.core, is_open, address), News()
    app.state.last_lines = LastLines.listening()
    for calls in (
        door.calls,
        door.inner_calls,
        health.calls,
        asking.calls,
        choices.calls,
        ereaders.calls,
        shelf.calls,
        reading_view.calls,
        checks.calls,
    ):
        app.include_router(calls)
    app.add_exception_handler(StarletteHTTPException, tell_no_view)
