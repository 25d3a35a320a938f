"""A call of the page: by whom, under which name of this computer, from which form; and how every answer is dressed."""

import ipaddress
import re
import secrets
import socket
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fastapi import HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse

from booklore_core.bridge.body import OpenRoute, announced_length, limited, too_large
from booklore_core.bridge.expected import STATUS, status_of
from booklore_core.bridge.listening import is_loopback
from booklore_core.bridge.web.frame import render, up
from booklore_core.bridge.web.gate import VISIT_LIFE, Gate

COOKIE = "booklore_page"
MOST_FIELDS = 500

POLICY = "; ".join((
    "default-src 'none'", "style-src 'self'", "script-src 'self'", "img-src 'self'", "form-action 'self'",
    "frame-ancestors 'none'", "base-uri 'none'",
))  # fmt: skip
"""What a browser may load and where forms may go: nothing but this very server's, nothing inline."""

DRESS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PROXIED = re.compile("forwarded|via|x-(forwarded|original|client|cluster|envoy|real)-.*|(cf|true-client|fly)-.*")
"""Headers by which a proxy tells that it stands between."""

OTHER_NAME = "This page is not served under the name {}. Set BOOKLORE_BRIDGE_URL to its address there, and restart."
OTHER_FORM = "This form is not from here, or too old. Load the page again."
EXPECTED: tuple[type[Exception], ...] = (*STATUS, HTTPException, RequestValidationError)


@dataclass(frozen=True)
class Caller:
    """A browser's call. cookie: what it shows. is_new: it showed none. is_here: it is at this computer, directly."""

    cookie: str
    is_new: bool
    is_here: bool
    may_see: bool


class PageRoute(OpenRoute):
    """A call of the page. Who may not see it is led to the door."""

    needs_key = True

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super(OpenRoute, self).get_route_handler()

        async def handle_guarded(request: Request) -> Response:
            try:
                visit = request.state.visit = await run_in_threadpool(visit_of, request)
                if self.needs_key and not visit.may_see:
                    return dressed(RedirectResponse(up(request) + "enter", 303), request, visit)
                limit = await self.limit(request)
                if announced_length(request) > limit:
                    raise too_large(limit)
                answer = await handle(Request(request.scope, limited(request.receive, limit)))
            except EXPECTED as error:
                answer = await run_in_threadpool(told, request, error)
            return dressed(answer, request, getattr(request.state, "visit", None))

        return handle_guarded


class DoorRoute(PageRoute):
    """What anybody may call: the door itself, and what every view looks like."""

    needs_key = False


def visit_of(request: Request) -> Caller:
    """Raises HTTPException for a name that is not this computer's."""
    gate: Gate = request.app.state.gate
    host = named_host(request)
    if not is_own(host, gate.address):
        raise HTTPException(421, OTHER_NAME.format(host[:80] or "?"))
    cookie = request.cookies.get(COOKIE, "")
    is_direct = is_loopback(host) and is_loopback(client_of(request)) and not is_proxied(request)
    if is_loopback(host) and not is_direct:
        gate.note_proxy()
    may_see = not gate.needs_key(is_direct) or bool(cookie and gate.keys.is_let_in(cookie))
    return Caller(cookie or secrets.token_urlsafe(32), not cookie, is_direct, may_see)


def client_of(request: Request) -> str:
    return request.client.host if request.client else ""


def is_proxied(request: Request) -> bool:
    """Whether a call shows any sign that somebody stands between: headers that proxies add; HTTP 1.0, which nginx
    speaks by itself and no browser; or a view under another name than the one that is asked for."""
    if any(map(PROXIED.fullmatch, request.headers)) or request.scope.get("http_version") == "1.0":
        return True
    told = [request.headers[name] for name in ("origin", "referer") if name in request.headers]
    return any(told_host(one) != request.headers.get("host", "") for one in told)


def told_host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def named_host(request: Request) -> str:
    """The name under which the browser has found this, without port and brackets."""
    try:
        host = request.headers.get("host", "")
        return "" if "@" in host else (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_own(host: str, address: str) -> bool:
    """Whether a name is this computer's, so that no other site's name leads here: an address as numbers always is."""
    try:
        return bool(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        own = socket.gethostname().lower().partition(".")[0]
        configured = urlsplit(address).hostname or "localhost"
        return host.lower() in {"localhost", configured, own, f"{own}.local", socket.gethostname().lower()} - {""}


async def form_of(request: Request) -> Mapping[str, list[str]]:
    """What a form sends, every name with its values. Raises HTTPException for one that is not from here."""
    gate: Gate = request.app.state.gate
    body = (await request.body()).decode("utf-8", "replace")
    try:
        fields = parse_qs(body, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise HTTPException(422, "The form has too many fields.") from None
    if any("\0" in told for values in fields.values() for told in values):
        raise HTTPException(422, "The form holds a letter that cannot be kept.")
    token = "".join(fields.pop("csrf", []))
    is_foreign = request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
    if is_foreign or not gate.is_form_token(request.state.visit.cookie, token):
        raise HTTPException(403, OTHER_FORM)
    return fields


def dressed(answer: Response, request: Request, visit: Caller | None) -> Response:
    """With the headers that every answer has, and the browser's cookie where it showed none."""
    for name, value in DRESS.items():
        answer.headers[name] = value
    answer.headers.setdefault("Cache-Control", "no-store")
    if (
        visit
        and visit.is_new
        and not answer.headers.get("set-cookie")
        and "max-age" not in answer.headers["cache-control"]
    ):
        give_cookie(answer, request, visit.cookie, lasts=False)
    return answer


def give_cookie(answer: Response, request: Request, value: str, lasts: bool) -> None:
    """lasts: it is kept when the browser is closed."""
    life = int(VISIT_LIFE.total_seconds()) if lasts else None
    answer.set_cookie(COOKIE, value, max_age=life, **place_of_cookie(request))


def take_cookie(answer: Response, request: Request) -> None:
    answer.delete_cookie(COOKIE, **place_of_cookie(request))


def place_of_cookie(request: Request) -> dict[str, Any]:
    gate, visit = request.app.state.gate, request.state.visit
    known = gate.cookie_place(named_host(request), visit.is_here)
    is_secure, path = known or (request.url.scheme == "https", "/")
    return {"secure": is_secure or request.url.scheme == "https", "path": path, "httponly": True, "samesite": "strict"}


def told(request: Request, error: Exception) -> Response:
    """A fault in one sentence, as a view."""
    headers: Mapping[str, str] | None = None
    if isinstance(error, HTTPException):
        status, text, headers = error.status_code, str(error.detail), error.headers
    elif isinstance(error, RequestValidationError):
        status, text = 422, "; ".join(f"{one['loc'][-1]}: {one['msg']}" for one in error.errors())
    else:
        status, text = status_of(error), str(error)
    request.scope.setdefault("state", {})["why"] = text
    answer = render(request, "fault.html", status, title="Not done", text=text, back="")
    answer.headers.update(headers or {})
    return answer
