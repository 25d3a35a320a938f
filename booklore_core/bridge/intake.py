"""Taking in a device's lines: its own only; torn and foreign ones go into quarantine."""

import json
from collections.abc import Sequence
from typing import Any

from booklore_core.bridge import models
from booklore_core.bridge.effects import Effects
from booklore_core.bridge.workers import value_or
from booklore_core.core import Core
from booklore_core.pipeline.clock import AHEAD, Contact
from booklore_core.pipeline.ingest import REMARK, Taken, wrong_by
from booklore_core.pipeline.quarantine import QuarantinedLine
from booklore_core.pipeline.spool import BadLine, decode_line, id_of


def receive(core: Core, request: models.HandOff) -> tuple[Taken, list[dict[str, Any]], Effects]:
    """Takes in what a device hands over: what became of it, what the answer says about lines in quarantine, and the id
    that the device has to take from now on.

    Each line is durable or in quarantine when this returns. Foreign ones first: once a line is durable nothing may come
    that could fail.
    """
    contact = contact_of(request)
    sound = [decoded_or_text(line) for line in request.lines]
    own = [index for index, line in enumerate(sound) if not is_foreign(line, contact)]
    foreign = sorted(set(range(len(sound))) - set(own))
    rejected = [put_in_quarantine(core, contact.device, index, sound[index]) for index in foreign]
    lines, own_by_now = [sound[index] for index in own], refused_before(core, contact)
    source = f"device {contact.device}"
    taken = core.ingest.take([*lines, *(one.line for one in own_by_now)], source, core.clock(), contact)
    value_or(None, lambda: remark_on_clock(core, request))
    refused = {one.line - 1 for one in taken.rejected}
    value_or(
        None,
        lambda: core.quarantine.remove(
            [one.id for index, one in enumerate(own_by_now, len(lines)) if index not in refused]
        ),
    )
    rejected += [rejection(own[one.line - 1], one.id, one.error) for one in taken.rejected if one.line <= len(own)]
    return taken, sorted(rejected, key=lambda one: one["index"]), new_id(contact.device, taken)


def contact_of(request: models.HandOff) -> Contact:
    device = request.device
    is_all = request.waiting is None or request.waiting <= len(request.lines)
    return Contact(device.id, tuple(device.former_ids or ()), request.up, request.boot, is_all)


def remark_on_clock(core: Core, request: models.HandOff) -> None:
    """Tells a person of a clock that is wrong where nothing can be set right by it."""
    device, now = request.device.id, core.clock()
    ahead = 0.0 if request.now is None or request.up is not None else (request.now - now).total_seconds()
    if abs(ahead) > AHEAD:
        remark = (
            f"the clock of {device} is {wrong_by(ahead)}, and it does not tell for how long it has been on: "
            "what is read on it counts as read then, so set its clock"
        )
        row = {"key": f"core:clock:{device}", "book_md5": None, "remark": remark, "now": now.timestamp()}
        core.database.run(REMARK, **row)


def refused_before(core: Core, contact: Contact) -> Sequence[QuarantinedLine]:
    """What the device told in the name of others of which it says now that it was them itself."""
    if not contact.former_ids:
        return ()
    refused = core.quarantine.refused_to(f"device {contact.device}")
    return [one for one in refused if not is_foreign(decoded_or_text(one.line), contact)]


def new_id(device: str, taken: Taken) -> Effects:
    """The id of a device whose settings were copied from another one."""
    given = taken.devices.get(device, device)
    return [{"type": "device", "id": given}] if given != device else []


def put_in_quarantine(core: Core, device: str, index: int, line: Any) -> dict[str, Any]:
    error = BadLine("device", f"expected {device!r}, the device that the token was given to")
    core.quarantine.put(line, f"device {device}", error, core.clock())
    return rejection(index, id_of(line), str(error))


def decoded_or_text(line: Any) -> Any:
    """The line decoded, by the strict rules of a spool file; as text where it is torn or breaks them."""
    text = line if isinstance(line, str) else json.dumps(line)
    try:
        return decode_line(text)
    except BadLine:
        return text


def is_foreign(line: Any, contact: Contact) -> bool:
    told = line.get("device") if isinstance(line, dict) else None
    return isinstance(told, str) and told not in (contact.device, *contact.former_ids)


def rejection(index: int, event_id: Any, error: str) -> dict[str, Any]:
    return {"index": index, **({"id": event_id} if isinstance(event_id, str) else {}), "error": error}
