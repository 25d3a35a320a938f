"""Devices: who may hand over, under which name, and how one more is added: by a code, or with a folder to unpack."""

import io
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import segno
from fastapi import APIRouter, Request, Response

from booklore_core.actions.status import local
from booklore_core.bridge.install import SHIM, CannotInstall, archive, checked_address
from booklore_core.bridge.listening import EVERYWHERE, address, is_loopback, own_host
from booklore_core.bridge.newcomers import give_name, is_newcomer, listed
from booklore_core.bridge.pairing import new_code
from booklore_core.bridge.web.asking import Fields, Shared, value
from booklore_core.bridge.web.frame import go_on, render
from booklore_core.bridge.web.route import PageRoute
from booklore_core.core import Core
from booklore_core.kinds import quantity
from booklore_core.settings import BadSetting

calls = APIRouter(route_class=PageRoute, include_in_schema=False)

MOST_LETTERS, LONGEST_ADDRESS = 60, 300
DOWNLOADED = "Plugin downloaded {}"
"""What the device of an archive is called until it has said its name."""

ZIP = f"{SHIM}.zip"
OPEN_IT = "`booklore serve` listens on this computer only, where no e-reader reaches it: start it as {}."
OPENED = "`booklore serve --host 0.0.0.0`"
UNREACHED = "{} leads an e-reader to itself: that is right only for a core that runs on the e-reader."


@calls.get("/devices")
def devices(request: Request, bridge: Shared) -> Response:
    with bridge.core.database.transaction():
        found = [device_row(bridge.core, one) for one in listed(bridge.core)]
    reached, doubt = way(request)
    is_reached = reached.startswith(f"{request.url.scheme}://{request.headers.get('host', '')}")
    told = {"devices": found, "reached": reached, "doubt": doubt, "is_reached": is_reached}
    return render(request, "devices.html", title="Devices", **told)


def device_row(core: Core, one: dict[str, Any]) -> dict[str, Any]:
    known = core.devices.find(one["id"]) or {}
    return {**one, "shim": known.get("shim"), "is_new": is_newcomer(one["id"])}


def way(request: Request) -> tuple[str, str]:
    """The address that the browser has reached, and why an e-reader may find nobody there.

    A browser at this very computer has reached it in a way that no other one can; the network's address stands in.
    """
    gate = request.app.state.gate
    if gate.address:
        return gate.address.rstrip("/"), ""
    prefix = request.headers.get("x-forwarded-prefix", "").rstrip("/")
    reached = f"{request.url.scheme}://{request.headers.get('host', '')}{prefix}"
    parts = urlsplit(reached)
    if not is_loopback(parts.hostname or "") and parts.hostname not in EVERYWHERE:
        return reached, ""
    host = own_host()
    doubt = "" if gate.is_open else OPEN_IT.format(OPENED)
    return address(host, parts.port or 80), doubt


@calls.post("/devices/code")
def code(request: Request, fields: Fields, bridge: Shared) -> Response:
    """A code for one pairing, with the address as text and as a picture of both."""
    where = address_of(fields, request)
    made, seconds = new_code(bridge.core)
    host = urlsplit(where).hostname or ""
    doubt = UNREACHED.format(where) if is_loopback(host) else ""
    picture = qr(f"{where}\n{made}")
    told = {"code": made, "minutes": seconds // 60, "address": where, "picture": picture, "doubt": doubt}
    return render(request, "code.html", title="Add a device", **told)


def address_of(fields: Fields, request: Request) -> str:
    """Raises BadSetting for what is no address, or one too long for a picture."""
    where = value(fields, "address") or way(request)[0]
    if len(where) > LONGEST_ADDRESS:
        raise BadSetting(f"this address is longer than {LONGEST_ADDRESS} letters")
    try:
        return checked_address(where)
    except CannotInstall as error:
        raise BadSetting(str(error)) from error


def qr(text: str) -> dict[str, Any]:
    """A QR code as the path of a drawing: size in modules, quiet zone included, and d, black on white."""
    rows = list(segno.make(text, micro=False).matrix_iter(border=4))
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    return {"size": len(rows), "d": path, "text": text}


@calls.post("/devices/zip")
def pack(request: Request, fields: Fields, bridge: Shared) -> Response:
    """The shim with the address and a token of its own inside, to be unpacked into KOReader's folder `plugins`."""
    where = address_of(fields, request)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / ZIP
        try:
            archive(bridge.core, file, where, place=DOWNLOADED.format(local(bridge.core.clock().isoformat())))
        except CannotInstall as error:
            raise BadSetting(str(error)) from error
        body = io.BytesIO(file.read_bytes()).getvalue()
    headers = {"Content-Disposition": f'attachment; filename="{ZIP}"'}
    return Response(body, media_type="application/zip", headers=headers)


@calls.post("/devices/name")
def rename(request: Request, fields: Fields, bridge: Shared) -> Response:
    device, name = value(fields, "device"), " ".join(value(fields, "name").split())[:MOST_LETTERS]
    if bridge.core.devices.find(device) is None or not name.isprintable():
        raise BadSetting("there is no such device, or this can be no name")
    give_name(bridge.core, device, name)
    return go_on(request, "devices")


@calls.post("/devices/revoke")
def revoke(request: Request, fields: Fields, bridge: Shared) -> Response:
    """Lets a device in no more, once a person has agreed; what it has handed over stays."""
    device = value(fields, "device")
    known = next((one for one in listed(bridge.core) if one["id"] == device), None)
    if known is None:
        raise BadSetting(f"no paired device {device!r}")
    if not value(fields, "sure"):
        waiting = quantity(known["waiting"], "event") if known["waiting"] else ""
        return render(request, "revoke.html", title="Let in no more?", device=known, waiting=waiting)
    others = [one for one in bridge.core.devices.revoke(device) if one != device]
    told = f"{known['name'] or device} is let in no more"
    told += f", nor {', '.join(others)}, which spoke by the same token" if others else ""
    request.app.state.news.tell(request.state.visit.cookie, told)
    return go_on(request, "devices")
