"""The seven calls of the protocol, beside a sync server's. `/openapi.json` describes all for other reading apps."""

from functools import partial
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Path, Query, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from booklore_core.bridge import kosync, models, newcomers, openapi, pairing, uploads
from booklore_core.bridge.body import OpenRoute, PairedRoute, PartRoute, part_in
from booklore_core.bridge.bridge import Bridge
from booklore_core.bridge.call_log import CallLog
from booklore_core.bridge.expected import STATUS, status_of
from booklore_core.bridge.web.page import add_page
from booklore_core.plugin_manager import DISTRIBUTION

bearer = HTTPBearer(auto_error=False, description="The token from /v1/pair")
REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": models.Problem, "description": "No token, or one that is not valid any more"},
    413: {"model": models.Problem, "description": "More than 8 MiB"},
    503: {"model": models.Problem, "description": "Too much is going on; nothing was changed, try again"},
}
PAIR_REFUSALS: dict[int | str, dict[str, Any]] = {
    401: {"model": models.Problem, "description": "The code is wrong, was used, or is too old"},
    413: {"model": models.Problem, "description": "More than 64 KiB"},
    429: {"model": models.Problem, "description": "Five wrong codes within a minute"},
}
FILE_REFUSALS: dict[int | str, dict[str, Any]] = {
    409: {"model": models.Problem, "description": "The file never stands still, or too many others are here"},
    413: {"model": models.Problem, "description": "More than 1 MiB of a part, or more than 512 MiB of a file"},
    429: {"model": models.Problem, "description": "This device has sent too much within an hour"},
    507: {"model": models.Problem, "description": "There is no room for the file"},
}
NOT_ITS_OWN = "device.id: the token was given to another device; pair this one with a code of `booklore bridge pair`"
BYTES = {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}


def bridge_of(request: Request) -> Bridge:
    bridge: Bridge = request.app.state.bridge
    return bridge


Shared = Annotated[Bridge, Depends(bridge_of)]


def device_of(request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]) -> str:
    """The device that the token was given to. The route has looked it up, before it read the body."""
    return str(request.state.devices[0])


Speaker = Annotated[str, Depends(device_of)]
open_calls = APIRouter(prefix="/v1", route_class=OpenRoute)
paired_calls = APIRouter(prefix="/v1", route_class=PairedRoute)
part_calls = APIRouter(prefix="/v1", route_class=PartRoute)


@open_calls.get("/health", response_model=models.Health)
def health(bridge: Shared) -> dict[str, Any]:
    """Whether the core is there. Needs no token."""
    return {"ok": True, "version": version(DISTRIBUTION), "ready": bridge.is_ready}


@open_calls.post("/pair", response_model=models.PairAnswer, responses=PAIR_REFUSALS)
def pair(request: models.PairRequest, bridge: Shared) -> dict[str, Any]:
    """Trades a six-digit code, once and within ten minutes, for the device's token. Needs no token."""
    device = request.device
    try:
        return {"token": bridge.pairings.pair(request.code, device.id, device.name, device.model, device.former_ids)}
    except pairing.WrongCode:
        raise HTTPException(401, "code: it is wrong, was used, or is older than ten minutes") from None
    except pairing.TooManyTries:
        raise HTTPException(429, "too many wrong codes; try again in a minute", {"Retry-After": "60"}) from None


@paired_calls.post(
    "/events", response_model=models.Receipt, response_model_exclude_unset=True,
    responses=REFUSALS | {403: {"model": models.Problem, "description": "The token is another device's"}},
)  # fmt: skip
def events(request: models.HandOff, call: Request, device: Speaker, bridge: Shared) -> dict[str, Any]:
    """Takes spool lines in. A line is acknowledged once it is durable; the same line twice changes nothing."""
    told = request.device
    call.state.speaker = told.id
    if not newcomers.may_speak(bridge.core, told.id, told.name, told.model, call.state.devices):
        raise HTTPException(403, NOT_ITS_OWN)
    return bridge.hand_off(request, told.id if newcomers.is_newcomer(device) else device)


@paired_calls.post(
    "/actions/{name}", response_model=models.ActionOutcome, response_model_exclude_unset=True,
    responses=REFUSALS | {404: {"model": models.Problem, "description": "There is no such action"}},
)  # fmt: skip
def actions(name: str, given: models.ActionRequest, device: Speaker, bridge: Shared) -> dict[str, Any]:
    """Runs an action of the menu or a gesture."""
    if not bridge.has_action(name):
        raise HTTPException(404, f"there is no action {name!r}")
    return bridge.act(device, name, given)


@paired_calls.post(
    "/answers/{id}", response_model=models.ActionOutcome, response_model_exclude_unset=True,
    responses=REFUSALS | {404: {"model": models.Problem, "description": "There is no such question"}},
)  # fmt: skip
def answers(id: str, given: models.AnswerRequest, device: Speaker, bridge: Shared) -> dict[str, Any]:  # noqa: A002 the path's
    """A person's answer; the next question or the result. After a 422 or a 503 the question stays."""
    return bridge.answer(device, id, given.answer)


@part_calls.put(
    "/files/{name}", response_model=models.FileHeld, openapi_extra={"requestBody": BYTES},
    responses=REFUSALS | FILE_REFUSALS,
)  # fmt: skip
def files(
    name: Annotated[str, Path(pattern=uploads.NAME.pattern)],
    part: Annotated[models.FilePart, Query()],
    body: Annotated[bytes, Depends(part_in)],
    device: Speaker,
    bridge: Shared,
) -> models.FileHeld:
    """A part of a file that an action has asked for, one after the other; an empty one asks how much is held.

    When the file changes while it is sent, tell its new size and time: the core begins anew, a few times.
    """
    return models.FileHeld(held=bridge.uploads.take(device, name, part, body))


@paired_calls.get(
    "/menu", response_model=models.MenuTree, response_model_exclude_unset=True, responses={401: REFUSALS[401]}
)
def menu(device: Speaker, bridge: Shared) -> dict[str, Any]:
    """The menu below Tools → BookLore Sync, and the actions for gestures."""
    return bridge.menu()


def tell_what_is_wrong(request: Request, error: Exception) -> JSONResponse:
    """422 naming each field; never what was sent, which may hold a token or a password."""
    assert isinstance(error, RequestValidationError)
    detail = [{"loc": one["loc"], "msg": one["msg"], "type": one["type"]} for one in error.errors()]
    return JSONResponse({"detail": detail}, 422)


def tell_expected(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, status_of(error))


def create_app(bridge: Bridge, is_open: bool = False, address: str = "") -> FastAPI:
    """The bridge as an ASGI application. is_open: other computers may reach it. address: where it is found by people,
    "" where nobody has said."""
    app = FastAPI(title="BookLore Sync bridge", version=version(DISTRIBUTION), docs_url=None, redoc_url=None)
    app.state.bridge, app.openapi = bridge, partial(openapi.document, app)  # type: ignore[method-assign]
    app.add_middleware(CallLog)
    app.include_router(open_calls)
    app.include_router(paired_calls)
    app.include_router(part_calls)
    app.include_router(kosync.open_calls)
    app.include_router(kosync.account_calls)
    add_page(app, bridge, is_open, address)
    app.add_exception_handler(RequestValidationError, tell_what_is_wrong)
    for kind in STATUS:
        app.add_exception_handler(kind, tell_expected)
    return app
