"""*Sync this book* of a closed one: what KOReader has stored of it comes in as a line of the journal."""

import json
from typing import Any

from booklore_core.bridge import models
from booklore_core.bridge.effects import Effects
from booklore_core.core import Core
from booklore_core.events import RATING_SUFFIX, SIDECAR_MARK
from booklore_core.flows import Toast
from booklore_core.pipeline.spool import digest_of
from booklore_core.storage.counts import iso_utc

WRITTEN_LAST = "SELECT event_id, at, line FROM events WHERE device = :device ORDER BY ord DESC LIMIT 1"
LAST_OF_BOOK = "SELECT event_id FROM events WHERE device = :device AND book_md5 = :md5 ORDER BY ord DESC LIMIT 1"
REFUSED = "What KOReader has stored of this book was not taken in: {}. See `booklore quarantine list`."


def take_sidecar(core: Core, device: str, request: models.ActionRequest) -> Effects:
    """Takes in what a request tells of a closed book, once: the line that was the book's last is not told again.

    It stands right after the last line of the device and was written then as far as anybody knows: what is stored is
    no newer because it is told now, and older than what the device is still to tell.
    """
    told = {"reading": request.reading, "annotations": request.annotations}
    told = {name: value for name, value in told.items() if value is not None}
    book = request.book if isinstance(request.book, str | None) else request.book.model_dump(exclude_none=True)
    about: dict[str, Any] = {"partial_md5": book} if isinstance(book, str) else dict(book or {})
    if not about or not told or not core.books.is_tracked(about["partial_md5"]):
        return []
    place = place_of(core, device, digest_of({"book": about, **told})[:8], about["partial_md5"])
    if not place:
        return []
    line = {"v": 1, **place, "event": "book_close", "device": device, "reason": "sidecar", "book": about}
    taken = core.ingest.take([{**line, **told}], f"sidecar on {device}", core.clock())
    return [Toast(REFUSED.format(one.error)).as_json() for one in taken.rejected]


def place_of(core: Core, device: str, digest: str, md5: str) -> dict[str, str]:
    """The fields of such a line that say where it stands: after the last one, under the id that the device had when it
    wrote that. Nothing where it has been told."""
    last = core.database.row(WRITTEN_LAST, device=device)
    if last is None:
        return {"id": f"{device}-0{SIDECAR_MARK}0001-{digest}", "at": iso_utc(core.clock().timestamp())}
    of_book = core.database.value(LAST_OF_BOOK, device=device, md5=md5) or ""
    if SIDECAR_MARK in of_book and of_book.removesuffix(RATING_SUFFIX).endswith(f"-{digest}"):
        return {}
    line, _, told = last["event_id"].removesuffix(RATING_SUFFIX).partition(SIDECAR_MARK)
    number = int(told.partition("-")[0]) + 1 if told else 1
    former = {name: told for name, told in json.loads(last["line"]).items() if name == "former_id"}
    return {"id": f"{line}{SIDECAR_MARK}{number:04d}-{digest}", "at": iso_utc(last["at"]), **former}
