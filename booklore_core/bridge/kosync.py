"""The calls of a KOReader sync server, for devices without the shim; answered from the database, never by a server.

Answers, statuses and errors are those of koreader/koreader-sync-server with its registration switched off; what clients
leave out or write otherwise is taken where its meaning is certain.
"""

import re
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from fastapi.security import APIKeyHeader

from booklore_core.bridge.body import MAX_OPEN_BODY, BodyRefused, OpenRoute
from booklore_core.bridge.bridge import Bridge
from booklore_core.bridge.elsewhere import last_read, take
from booklore_core.bridge.pairing import TooManyTries
from booklore_core.bridge.sync_form import (
    Authorized,
    Healthy,
    LastRead,
    PlaceTaken,
    SyncProblem,
    SyncRefused,
    TellPlace,
    form,
    place_of,
)
from booklore_core.pipeline.spool import BadLine, decode_line, mended
from booklore_core.storage.database import DatabaseUnusable

VERSION = re.compile(r"application/vnd\.koreader\.v(\d+)")


class SyncRoute(OpenRoute):
    """A call whose refusals have the form that clients of a sync server know."""

    def told(self, refusal: BodyRefused) -> Any:
        told = refusal.detail
        return told if isinstance(told, dict) else form(2003, told)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_in_form(request: Request) -> Response:
            try:
                check_version(request)
                return await handle(request)
            except DatabaseUnusable:
                refused = SyncRefused(2000)
            except SyncRefused as error:
                refused = error
            return JSONResponse(form(refused.code), refused.status)

        return handle_in_form


class AccountRoute(SyncRoute):
    """A call with the name and key of an account, whose id is `request.state.account` from then on."""

    async def limit(self, request: Request) -> int:
        bridge: Bridge = request.app.state.bridge
        name, key = (request.headers.get(header, "") for header in ("x-auth-user", "x-auth-key"))
        try:
            account = await run_in_threadpool(bridge.accounts.find, name, key)
        except TooManyTries:
            told = form(2001, "Too many wrong passwords; try again in a minute.")
            raise BodyRefused(429, told, {"Retry-After": "60"}) from None
        if account is None:
            raise BodyRefused(401, form(2001))
        request.state.account = account
        return MAX_OPEN_BODY


def check_version(request: Request) -> None:
    """Raises SyncRefused for a client that wants answers of another version; one that does not say so gets these."""
    asked = VERSION.match(request.headers.get("accept", ""))
    if asked and asked.group(1) != "1":
        raise SyncRefused(102)


async def told_in(request: Request) -> TellPlace:
    """The body, whatever its content type says. Raises SyncRefused."""
    text = (await request.body()).decode("utf-8", "replace")
    try:
        told = mended(decode_line(text or "{}"))
    except BadLine:
        raise SyncRefused(103) from None
    if not isinstance(told, dict):
        raise SyncRefused(104)
    return TellPlace.model_validate(told)


def account_of(
    request: Request,
    user: Annotated[str | None, Security(APIKeyHeader(name="x-auth-user", scheme_name="user", auto_error=False))],
    key: Annotated[str | None, Security(APIKeyHeader(name="x-auth-key", scheme_name="key", auto_error=False))],
) -> str:
    """The account; the route has looked it up, before it read the body."""
    return str(request.state.account)


Account = Annotated[str, Depends(account_of)]

REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": SyncProblem, "description": "Wrong name or key"},
    429: {"model": SyncProblem, "description": "Five wrong keys within a minute"},
    502: {"model": SyncProblem, "description": "The database cannot be used; nothing was changed, try again"},
}
BODY = {"required": True, "content": {"application/json": {"schema": TellPlace.model_json_schema()}}}

open_calls = APIRouter(prefix="/kosync", route_class=SyncRoute)
account_calls = APIRouter(prefix="/kosync", route_class=AccountRoute)


@open_calls.get("/healthcheck", response_model=Healthy)
def healthcheck() -> Healthy:
    """Whether anybody is there."""
    return Healthy()


@open_calls.post("/users/create", status_code=201, responses={402: {"model": SyncProblem}})
def create() -> None:
    """SyncRefused: accounts are made on the command line."""
    raise SyncRefused(2005)


@account_calls.get("/users/auth", response_model=Authorized, responses=REFUSALS)
def authorize(account: Account) -> Authorized:
    """Whether name and key are right."""
    return Authorized()


@account_calls.put(
    "/syncs/progress", response_model=PlaceTaken, openapi_extra={"requestBody": BODY},
    responses=REFUSALS | {403: {"model": SyncProblem, "description": "Something is missing or of another kind"}},
)  # fmt: skip
def put_place(call: Request, told: Annotated[TellPlace, Depends(told_in)], account: Account) -> PlaceTaken:
    """Takes in where a device is, like any line of a spool; it is durable when this is answered."""
    bridge: Bridge = call.app.state.bridge
    place, now = place_of(told), bridge.core.clock()
    device, taken = take(bridge.core, account, place, now)
    bridge.follow_later(device, taken)
    return PlaceTaken(document=place.document, timestamp=int(now.timestamp()))


@account_calls.get(
    "/syncs/progress/{document}", response_model=LastRead, response_model_exclude_none=True, responses=REFUSALS
)
def get_place(call: Request, document: str, account: Account) -> LastRead:
    """Where any device last read in the document."""
    if ":" in document:
        raise SyncRefused(2004)
    bridge: Bridge = call.app.state.bridge
    place = last_read(bridge.core, document)
    if place is None:
        return LastRead()
    return LastRead(
        document=document,
        percentage=place.percent,
        progress=place.position,
        device=place.device,
        device_id=place.device_id,
        timestamp=place.at,
    )
