"""The page's door: the password or a link lets a browser in. And what every view looks like, which is no secret."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from booklore_core.bridge.pairing import TooManyTries
from booklore_core.bridge.web.asking import Fields, value
from booklore_core.bridge.web.frame import HERE, go_on, render
from booklore_core.bridge.web.gate import MOST_LETTERS, Gate
from booklore_core.bridge.web.route import DoorRoute, PageRoute, client_of, give_cookie, take_cookie

KINDS = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}
SLOW_DOWN = "Too many wrong tries; try again in a minute."
WRONG = "That is not the password."
NO_LINK = "This link was used, or is too old. `booklore bridge page-link` makes another one."

calls = APIRouter(route_class=DoorRoute, include_in_schema=False)
inner_calls = APIRouter(route_class=PageRoute, include_in_schema=False)


def gate_of(request: Request) -> Gate:
    gate: Gate = request.app.state.gate
    return gate


Gated = Annotated[Gate, Depends(gate_of)]


@calls.get("/static/{name}")
def static(name: str) -> Response:
    if name not in KINDS:
        raise HTTPException(404, "There is no such file.")
    return FileResponse(HERE / "static" / name, media_type=KINDS[name], headers={"Cache-Control": "max-age=3600"})


@calls.get("/enter")
def door(request: Request, gate: Gated, key: str = "") -> Response:
    """Asks for the password. A link asks whether to come in: what only looks at links does not use them up."""
    if request.state.visit.may_see:
        return go_on(request, "")
    return show_door(request, gate, key=key[:MOST_LETTERS])


@calls.post("/enter")
def enter(request: Request, fields: Fields, gate: Gated) -> Response:
    """Lets in by the password, or by a link's key, which is in no address from then on."""
    if "key" in fields:
        cookie = gate.try_link(value(fields, "key"))
        return let_in(request, cookie) if cookie else show_door(request, gate, NO_LINK, 403)
    try:
        cookie = gate.try_password(value(fields, "password"), client_of(request))
    except TooManyTries:
        return show_door(request, gate, SLOW_DOWN, 429)
    return let_in(request, cookie) if cookie else show_door(request, gate, WRONG, 403)


def show_door(request: Request, gate: Gate, fault: str = "", status: int = 200, key: str = "") -> Response:
    if fault:
        request.scope.setdefault("state", {})["why"] = fault
    return render(
        request, "enter.html", status, title="Enter", fault=fault, has_password=gate.keys.has_password, key=key,
    )  # fmt: skip


def let_in(request: Request, cookie: str) -> RedirectResponse:
    answer = go_on(request, "")
    give_cookie(answer, request, cookie, lasts=True)
    return answer


@inner_calls.post("/leave")
def leave(request: Request, fields: Fields, gate: Gated) -> Response:
    """The browser is let in no more."""
    gate.keys.let_out(request.state.visit.cookie)
    answer = go_on(request, "enter")
    take_cookie(answer, request)
    return answer
