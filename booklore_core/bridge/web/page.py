"""The page as a part of the bridge: its calls beside `/v1`."""

from fastapi import APIRouter, FastAPI, HTTPException

from booklore_core.bridge.bridge import Bridge
from booklore_core.bridge.web import asking, checks, choices, door, ereaders, health, reading_view, shelf
from booklore_core.bridge.web.frame import News
from booklore_core.bridge.web.gate import Gate
from booklore_core.bridge.web.last_lines import LastLines
from booklore_core.bridge.web.route import PageRoute

others = APIRouter(route_class=PageRoute, include_in_schema=False)


@others.get("/{view}")
def no_view(view: str) -> None:
    """Any other address, told as a view."""
    raise HTTPException(404, "There is no such view.")


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
        others,
    ):
        app.include_router(calls)
