"""Tells in the log of every call: who, what, and why not. A device that is refused is told of without `-v`, too.

Nothing that a caller sends is told but the path: neither headers nor a query nor a body, which may hold secrets.
"""

import json
import logging
from time import monotonic
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

MAX_PATH, MAX_KNOWN = 80, 200
"""Letters of a path. So many refusals are told as news; alike ones, and those beyond, with `-v` only."""


class CallLog:
    """Stands before an application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._known: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, is_told, began = 0, False, monotonic()

        async def send_on(message: Message) -> None:
            nonlocal status, is_told
            status = message.get("status", status)
            if "body" in message and not is_told:  # before the caller has it, who may be gone at once
                is_told = True
                self._tell(
                    scope, status, (why(scope) or reason(message["body"])) if status >= 400 else "", monotonic() - began
                )
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        finally:
            if not is_told:
                self._tell(scope, status, "", monotonic() - began)

    def _tell(self, scope: Scope, status: int, why: str, seconds: float) -> None:
        what = f"{who(scope, status)}: {scope['method']} {shown(scope['path'])}: {status or 'no answer'}"
        if 0 < status < 400:
            log.info("%s, %d ms", what, seconds * 1000)
            return
        told = f"{what}, {why}" if why else what
        is_news = told not in self._known and len(self._known) < MAX_KNOWN
        self._known.update([told] if is_news else [])
        log.log(logging.WARNING if is_news else logging.INFO, "refused %s", told)


def who(scope: Scope, status: int) -> str:
    """The address, and the device where its token or its words have told which one it is."""
    address = (scope.get("client") or ("somebody",))[0]
    state = scope.get("state", {})
    devices, speaker = state.get("devices"), state.get("speaker")
    if not devices:
        return str(address)
    is_foreign = status == 403 and speaker not in devices
    token = f", by the token of {shown(devices[0])}" if is_foreign else ""
    return f"{address} ({shown(speaker or devices[0])}{token})"


def why(scope: Scope) -> str:
    """What the answer of a view says in words, which is no JSON."""
    return str(scope.get("state", {}).get("why", ""))


def shown(text: str) -> str:
    """A caller's text, harmless for whoever reads the log."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)[:MAX_PATH]


def reason(body: bytes) -> str:
    """What the answer says in words."""
    try:
        told: Any = json.loads(body)
    except ValueError:
        return ""
    told = told.get("detail", told.get("message", "")) if isinstance(told, dict) else ""
    if isinstance(told, list):
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in told)
    return str(told)
