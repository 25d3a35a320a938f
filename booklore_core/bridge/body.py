"""Bounded request bodies, read leniently: one damaged byte must not keep a whole spool on the device."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 8 * 1024 * 1024
MAX_DISCARDED = 4 * MAX_BODY
"""Bytes that are read and thrown away, so that a client which is still sending gets to see the answer."""

TOO_LARGE = f"the request is larger than {MAX_BODY} bytes"


class LenientRequest(Request):
    """JSON whose text is not quite UTF-8 is read all the same."""

    async def json(self) -> Any:
        return json.loads((await self.body()).decode("utf-8", "replace"))


class LenientRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_leniently(request: Request) -> Response:
            return await handle(LenientRequest(request.scope, request.receive))

        return handle_leniently


class BodyLimit:
    """Refuses a larger body with 413: by its announced length, or as soon as more has come than allowed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif announced_length(scope) > MAX_BODY:
            await discard(receive)
            await answer(send, 413, TOO_LARGE)
        else:
            await self._app(scope, limited(receive), send)


def announced_length(scope: Scope) -> int:
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(lengths[0]) if lengths and lengths[0].isdigit() else 0


def limited(receive: Receive) -> Receive:
    """receive, but HTTPException 413 once the body is too large."""
    seen = 0

    async def receive_some() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BODY:
            await discard(receive)
            raise HTTPException(413, TOO_LARGE)
        return message

    return receive_some


async def discard(receive: Receive) -> None:
    left = MAX_DISCARDED
    while left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return


async def answer(send: Send, status: int, detail: str) -> None:
    body = json.dumps({"detail": detail}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, (b"connection", b"close")]})
    await send({"type": "http.response.body", "body": body})
