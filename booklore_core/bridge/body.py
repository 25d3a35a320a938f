"""Request bodies: read only when it is known who sends them, bounded, and leniently.

Who speaks is settled before a byte of the body is read: a call without a valid token must cost nothing, and one damaged
byte must not keep a whole spool on the device.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from booklore_core.bridge.patience import in_time

MAX_BODY, MAX_OPEN_BODY = 8 * 1024 * 1024, 64 * 1024
"""Bytes of a call by a paired device, and of one by anybody."""

MAX_PART = 1024 * 1024
"""Bytes of a part of a file."""

MAX_DISCARDED, LINGER = 4 * MAX_BODY, 10.0
"""Bytes and seconds for which what is still coming is thrown away, so that who is still sending sees the answer."""

NOT_PAIRED = "this device is not paired; make a code with `booklore bridge pair`"


class BodyRefused(HTTPException):
    """The call is refused by its head, or by a body that turns out too large."""


class LenientRequest(Request):
    """JSON whose text is not quite UTF-8 is read all the same."""

    async def json(self) -> Any:
        return json.loads((await self.body()).decode("utf-8", "replace"))


class OpenRoute(APIRoute):
    """A call that anybody may make, with a small body that comes soon."""

    is_paired = False

    async def limit(self, request: Request) -> int:
        """How many bytes the body may have. Raises BodyRefused for a call that is not allowed."""
        return MAX_OPEN_BODY

    def told(self, refusal: BodyRefused) -> Any:
        """The body of the answer to a call that is refused."""
        return {"detail": refusal.detail}

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_bounded(request: Request) -> Response:
            try:
                limit = await self.limit(request)
                if announced_length(request) > limit:
                    raise too_large(limit)
                return await handle(LenientRequest(request.scope, limited(request.receive, limit, self.is_paired)))
            except BodyRefused as error:
                return EarlyAnswer(self.told(error), error.status_code, error.headers)

        return handle_bounded


class PairedRoute(OpenRoute):
    """A call by a paired device; the ids that its token speaks for are `request.state.devices` from then on."""

    is_paired = True

    async def limit(self, request: Request) -> int:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        bridge = request.app.state.bridge
        devices = await run_in_threadpool(bridge.devices_of, token.strip()) if scheme.lower() == "bearer" else []
        if not devices:
            raise BodyRefused(401, NOT_PAIRED, {"WWW-Authenticate": "Bearer"})
        request.state.devices = devices
        return MAX_BODY


class PartRoute(PairedRoute):
    """A part of a file by a paired device."""

    async def limit(self, request: Request) -> int:
        await super().limit(request)
        return MAX_PART


async def part_in(request: Request) -> bytes:
    """The body as it is. Raises HTTPException when it was cut off."""
    try:
        return await request.body()
    except ClientDisconnect:
        raise HTTPException(400, "the part did not arrive whole") from None


class EarlyAnswer(JSONResponse):
    """Answers at once and then throws away what is still coming: a client cut off while it sends sees no answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [*self.raw_headers, (b"connection", b"close")]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        if self.status_code != 408 and not waits_for_permission(scope):
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER):
                    await discard(receive)
        await send({"type": "http.response.body", "body": b""})


def too_large(limit: int) -> BodyRefused:
    return BodyRefused(413, f"the request is larger than {limit} bytes")


def announced_length(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


def waits_for_permission(scope: Scope) -> bool:
    """Whether the client sends its body only when it is told to go on; reading would tell it that."""
    return any(name == b"expect" for name, _ in scope["headers"])


def too_slow() -> BodyRefused:
    return BodyRefused(408, "the request comes too slowly; send it again", {"Connection": "close"})


def limited(receive: Receive, limit: int, is_paired: bool = False) -> Receive:
    """receive, but BodyRefused: 413 once more has come than is allowed, 408 when it comes too slowly."""
    seen, timely = 0, in_time(receive, is_paired)

    async def receive_some() -> Message:
        nonlocal seen
        try:
            message = await timely()
        except TimeoutError:
            raise too_slow() from None
        seen += len(message.get("body", b""))
        if seen > limit:
            raise too_large(limit)
        return message

    return receive_some


async def discard(receive: Receive) -> None:
    left = MAX_DISCARDED
    while left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return
