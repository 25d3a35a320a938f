"""What every view has: its templates, what stands around it, and what was told to a browser since its last one."""

import re
import threading
from collections import OrderedDict
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from booklore_core.actions.status import local
from booklore_core.bridge.effects import Effects
from booklore_core.bridge.pairing import hash_token
from booklore_core.kinds import quantity
from booklore_core.plugin_manager import DISTRIBUTION

HERE = Path(__file__).parent
MOST_BROWSERS, MOST_NEWS, MOST_LETTERS = 50, 10, 4000

SILENT = ("schedule", "goto", "device")
"""Effects that are a device's only."""

COMMAND = re.compile("`([^`\n]{1,200})`")

VIEWS = {
    "": "Home", "queue": "Queue", "books": "Books", "reading": "Reading", "devices": "Devices",
    "actions": "Actions", "settings": "Settings", "checks": "Checks",
}  # fmt: skip
"""The views by their addresses, in the order in which they are named on each."""


class News:
    """What a browser is told on its next view: outcomes of what it asked for. In memory, bounded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of = OrderedDict[str, list[dict[str, Any]]]()

    def tell(self, browser: str, text: str, title: str = "", ok: bool = True, leads_to: str = "") -> None:
        """leads_to: the address of a view where it goes on, below the page's own."""
        with self._lock:
            told = self._of.setdefault(browser, [])
            told.append({"title": title, "text": text[:MOST_LETTERS], "ok": ok, "leads_to": leads_to})
            del told[:-MOST_NEWS]
            while len(self._of) > MOST_BROWSERS:
                self._of.popitem(last=False)

    def take(self, browser: str) -> list[dict[str, Any]]:
        with self._lock:
            return self._of.pop(browser, [])


@lru_cache(maxsize=1)
def templates() -> Environment:
    loader = FileSystemLoader(HERE / "templates")
    made = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.globals.update(views=VIEWS, version=version(DISTRIBUTION), quantity=quantity)
    made.filters.update(local=local, code=with_code)
    return made


def with_code(text: str) -> Markup:
    """A text in which what stands between backticks is to be typed."""
    return Markup(COMMAND.sub(r"<code>\1</code>", str(escape(text))))


def browser_of(request: Request) -> str:
    """Who asks, for dialogs: not what the browser shows, which opens the page."""
    return f"page:{hash_token(request.state.visit.cookie)[:32]}"


def tell_effects(request: Request, effects: Effects, title: str = "") -> None:
    """Keeps for the next view what there is to read; of a question its text, with the way to it.

    title: of what has none of its own.
    """
    for effect in effects:
        if effect["type"] not in SILENT and effect.get("text"):
            leads_to = f"ask/{effect['id']}" if effect["type"] == "question" else ""
            told = effect.get("title") or title
            request.app.state.news.tell(request.state.visit.cookie, effect["text"], told, leads_to=leads_to)


def news_of(request: Request) -> list[dict[str, Any]]:
    """What was told to a browser since its last view, and what became known meanwhile."""
    tell_effects(request, request.app.state.bridge.late(browser_of(request)))
    told: list[dict[str, Any]] = request.app.state.news.take(request.state.visit.cookie)
    return told


def render(request: Request, name: str, status: int = 200, /, **told: Any) -> HTMLResponse:
    """A view. told: what its template shows; title among it."""
    visit, state = getattr(request.state, "visit", None), request.app.state
    may_see = bool(visit and visit.may_see)
    around = {
        "root": up(request),
        "here": request.url.path.strip("/").partition("/")[0],
        "may_see": may_see,
        "may_leave": bool(visit and may_see and state.gate.keys.is_let_in(visit.cookie)),
        "csrf": state.gate.form_token(visit.cookie) if visit else "",
        "news": news_of(request) if may_see and status < 400 else [],
    }
    return HTMLResponse(templates().get_template(name).render(around | told), status)


def go_on(request: Request, where: str) -> RedirectResponse:
    """Leads a browser on after a form. where: an address below the page's own."""
    return RedirectResponse(up(request) + where, 303)


def up(request: Request) -> str:
    """The way from this call's address to the page's own, so that it works below any path of a proxy."""
    return "../" * (request.url.path.count("/") - 1) or "./"
